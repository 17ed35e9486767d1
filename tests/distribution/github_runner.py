"""The steps of action.yml, executed by bash as a runner of GitHub does, without GitHub."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = YAML(typ="safe").load((ROOT / "action.yml").read_text(encoding="utf-8"))
SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
"""What GitHub runs a step with `shell: bash` by."""
RECORDER = """#!/bin/sh
for word; do echo "$word" >> "$RUNNER_TEMP/gh.txt"; done
exit "${GH_CODE:-0}"
"""


@dataclass
class Runner:
    """A job with one step, which uses the action in a repository.

    workspace    the repository, checked out
    environment  of all steps
    inputs       what the workflow gives the action; the rest is as by default
    event        the name of the event, such as push
    outputs      of the steps that have run, by their ids
    used         the actions that the steps use, with their inputs
    printed      of the steps that have run, by their names
    """

    workspace: Path
    temp: Path
    environment: Mapping[str, str]
    inputs: dict[str, str] = field(default_factory=dict)
    event: str = "push"
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    used: dict[str, dict[str, str]] = field(default_factory=dict)
    printed: dict[str, str] = field(default_factory=dict)

    def run(self) -> int:
        """Run all steps until one fails, and return its exit code."""
        shutil.rmtree(self.temp, ignore_errors=True)
        self.temp.mkdir()
        recorder = self.temp / "bin/gh"
        recorder.parent.mkdir()
        recorder.write_text(RECORDER)
        recorder.chmod(0o755)
        self.outputs, self.used, self.printed = {}, {}, {}
        for step in ACTION["runs"]["steps"]:
            if "if" in step and not self._condition(step["if"]):
                continue
            if "uses" in step:
                with_ = step.get("with", {})
                self.used[step["uses"]] = {key: self._text(each) for key, each in with_.items()}
            elif code := self._shell(step):
                return code
        return 0

    def _shell(self, step: dict[str, Any]) -> int:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "a value is to be a variable, and not a part of a program"
        script, output = self.temp / "script.sh", self.temp / "output"
        script.write_text(step["run"])
        output.write_text("")
        done = subprocess.run(
            [*SHELL, str(script)],
            cwd=self.workspace / self._text(step.get("working-directory", ".")),
            env={
                **self.environment,
                "PATH": f"{self.temp / 'bin'}:{self.environment['PATH']}",
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(self.temp / "summary.md"),
                "GITHUB_EVENT_NAME": self.event,
                "RUNNER_TEMP": str(self.temp),
                **{name: self._text(each) for name, each in step.get("env", {}).items()},
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.printed[step["name"]] = done.stdout
        pairs = [line.partition("=") for line in output.read_text().splitlines()]
        self.outputs[step.get("id", "")] = {name: value for name, _, value in pairs}
        return done.returncode

    def _text(self, text: str) -> str:
        return re.sub(r"\$\{\{ (.*?) \}\}", lambda found: self._value(found[1]), str(text))

    def _condition(self, text: str) -> bool:
        for part in text.split(" && "):
            left, operator, right = re.fullmatch(r"(\S+) (==|!=) '(.*)'", part).groups()  # type: ignore[union-attr]
            if (self._value(left) == right) != (operator == "=="):
                return False
        return True

    def _value(self, expression: str) -> str:
        first, _, other = expression.partition(" || ")
        match first.split("."):
            case ["inputs", name]:
                found = self.inputs.get(name, ACTION["inputs"][name]["default"])
            case ["steps", step, "outputs", name]:
                found = self.outputs.get(step, {}).get(name, "")
            case ["runner", "temp"]:
                found = str(self.temp)
            case ["github", *name]:
                known = {
                    "action_path": str(ROOT),
                    "event_name": self.event,
                    "event.pull_request.number": "7",
                    "repository": "someone/analysis",
                    "token": "not-a-token",
                }
                found = known[".".join(name)]
            case _:
                raise AssertionError(expression)
        return found or (self._value(other) if other else "")
