"""Stages of our own kind in a checkout: the Python they need, several of them in one process."""

import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from linreg.git import NO_VARIABLES
from linreg.verify.repository.checkout import Checkout
from linreg.verify.repository.isolation import isolated_environment, moved_paths
from linreg.verify.repository.stage_run import StageRun, run_stage
from linreg.verify.repository.stages import Stage
from linreg.verify.run_stages import STAGES

STAGE_IMPORT = "from linreg.process.stage import stage"
"""What a script has whose main() is decorated as one of linreg's stages."""


def stage_environment(checkout: Checkout) -> dict[str, str]:
    """Return the environment in which the stages of a checkout run.

    It is the user's own. Stages of linreg's kind get the Python that runs this, also where its
    environment is not activated; they inherit no settings of Python and of workers.
    """
    environment = isolated_environment(checkout.root, with_our_python=has_linreg_stages(checkout))
    depth = len(checkout.root.relative_to(checkout.top).parts)
    top = checkout.here.joinpath(*[".."] * depth).resolve()
    return environment | moved_paths(environment, top, checkout.top)


def has_linreg_stages(checkout: Checkout) -> bool:
    """Tell whether the pipeline is one of linreg's."""
    return any(_module(each, checkout.root) for each in checkout.pipeline)


class SharedProcesses:
    """Runs stages of linreg's kind that follow one another in the same processes.

    It takes a third of the time that a process for each stage takes.
    """

    def __init__(self, checkout: Checkout, environment: Mapping[str, str]) -> None:
        self._checkout = checkout
        self._environment = environment
        self._done: dict[str, StageRun] = {}
        self._groups: dict[str, list[Stage]] = {}
        stages = [each for each in checkout.stages if not each.is_input]
        # Paths of modules are those of a folder.
        for _, group in groupby(stages, lambda each: (each.wdir, self._is_ours(each))):
            members = list(group)
            self._groups |= {each.name: members for each in members}

    def __call__(self, stage: Stage) -> StageRun:
        """Run a stage, by itself or with those that follow it."""
        if not self._is_ours(stage):
            return self._run(stage)
        if stage.name not in self._done:
            group = self._groups[stage.name]
            modules = " ".join(str(_module(each, self._checkout.root)) for each in group)
            command = f"{shlex.quote(sys.executable)} -m linreg.verify.run_stages"
            done = self._run(replace(stage, commands=(command,)), {STAGES: modules})
            self._done |= {each.name: done for each in group}
        return self._done[stage.name]

    def _is_ours(self, stage: Stage) -> bool:
        return _module(stage, self._checkout.root) is not None

    def _run(self, stage: Stage, variables: Mapping[str, str] = NO_VARIABLES) -> StageRun:
        checkout = self._checkout
        environment = {**self._environment, **variables}
        return run_stage(stage, checkout.root, environment, checkout.scratch)


def _module(stage: Stage, root: Path) -> str | None:
    """Return NAME of `python -m stages.NAME` if its main() is one of linreg's stages.

    Such a main() can be called in a process in which another stage has run, and by several
    workers at once.
    """
    if len(stage.commands) == 1:
        found = re.fullmatch(r"python -m stages\.(\w+)", stage.commands[0].strip())
        script = root / stage.wdir / "stages" / f"{found[1]}.py" if found else None
        if found and script and script.is_file():
            return found[1] if STAGE_IMPORT in script.read_text(encoding="utf-8") else None
    return None
