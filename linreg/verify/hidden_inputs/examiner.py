"""All stages of a checkout examined for hidden inputs, while they are run."""

import os
from collections.abc import Mapping
from pathlib import Path

from linreg.code_lock.lock_file import CODE_LOCK, code_files
from linreg.git import git
from linreg.verify.hidden_inputs.findings import Examination, Outcome
from linreg.verify.hidden_inputs.places import Places
from linreg.verify.hidden_inputs.stage_examination import StageExamination
from linreg.verify.repository.checkout import Checkout
from linreg.verify.repository.stage_run import StageRun, run_stage
from linreg.verify.repository.stages import Stage


class Examiner:
    """Takes the place of the shell in `run_pipeline`, with one job at a time.

    examinations  of the stages that have run, in their order
    """

    def __init__(self, checkout: Checkout, environment: Mapping[str, str]) -> None:
        self.examinations: list[Examination] = []
        self._checkout = checkout
        self._environment = environment
        original = checkout.here / os.path.relpath(checkout.top, checkout.root)
        names = git("ls-files", "-z", "--recurse-submodules", folder=checkout.top).split("\0")
        self._places = Places(
            tree=checkout.top,
            root=checkout.root,
            original=original.resolve(),
            home=Path.home(),
            tracked=frozenset(filter(None, names)),
            pipeline=checkout.pipeline,
        )

    def run(self, stage: Stage) -> StageRun:
        """Run a stage in the checkout, and examine it."""
        scratch = self._checkout.scratch
        if stage.always_changed:
            found = Examination(stage, Outcome.NOT_EXAMINED, reason="DVC runs it every time")
            self.examinations.append(found)
            return run_stage(stage, self._checkout.root, self._environment, scratch)
        examination = StageExamination(
            stage, self._places, self._code(stage), self._environment, scratch
        )
        done, found = examination.examine()
        self.examinations.append(found)
        return done

    def _code(self, stage: Stage) -> set[str]:
        """Return the files that a stage declares by its entry in code.lock."""
        names = [
            name
            for each in stage.parameters
            if Path(each.path).name == CODE_LOCK.name
            for name in each.names
        ]
        return code_files(self._checkout.root, names) if names else set()
