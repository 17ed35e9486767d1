"""What was found about a stage: what it reads and does not declare, and what to add to dvc.yaml."""

import enum
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from linreg.verify.hidden_inputs.parameter_files import Key
from linreg.verify.hidden_inputs.places import Kind
from linreg.verify.repository.stages import Stage

PARAMS_FILE = "params.yaml"
"""The file of parameters that dvc.yaml need not name."""
_PLAIN = re.compile(r"[\w./@+-]+")
_WHAT_TO_DO = {
    Kind.CHECKOUT: "have the stage use the path relative to its folder",
    Kind.HOME: "copy it into the repository, and declare it there",
    Kind.OUTSIDE: "or `dvc import-url` it, so that it is there in a clone, too",
    Kind.UNTRACKED: "and have git or DVC track it: a clone does not have it",
    Kind.OWN_OUTPUT: "leave out `persist: true`, or have the stage not read it",
    Kind.LEFTOVER: "declare it among the `outs` of the stage that writes it, too",
    Kind.BOOKKEEPING: "pass what the stage needs of it as a parameter",
}
_NO_LINE = (Kind.HOME, Kind.OWN_OUTPUT, Kind.BOOKKEEPING)


class Outcome(enum.StrEnum):
    """What became of a stage that was run with nothing but what it declares.

    COMPLETE     its outputs are the same, and it reads nothing else
    HIDDEN       it reads what it does not declare
    UNEXPLAINED  its outputs are others, and it is not known what it lacks
    DIFFERENT    its outputs in the whole repository are not those of dvc.lock, so that they do not
                 tell whether something is missing
    FAILED       it could not be run in the whole repository
    NOT_EXAMINED DVC runs it every time, or never
    """

    COMPLETE = "reads only what it declares"
    HIDDEN = "HIDDEN INPUTS"
    UNEXPLAINED = "DIFFERENT without what it does not declare"
    DIFFERENT = "DIFFERENT in the whole repository, too"
    FAILED = "could not run"
    NOT_EXAMINED = "not examined"


@dataclass(frozen=True)
class HiddenInput:
    """Something that a stage reads and does not declare.

    path  relative to the folder that holds .dvc, or absolute; with ~ in the user's home
    kind  what it is to the repository; None for a parameter in a file, and for a folder of which
          only the names were used
    how   how it was noticed, in words
    key   the parameter, if it is one
    """

    path: str
    kind: Kind | None
    how: str
    key: Key = ()

    @property
    def name(self) -> str:
        """The file, with the parameter in it."""
        return f"{self.path}: {'.'.join(self.key)}" if self.key else self.path

    def in_words(self) -> str:
        """Return one line on it, with what to do besides adding a line to dvc.yaml."""
        what = f", {self.kind.value}" if self.kind not in (None, Kind.REPOSITORY) else ""
        todo = f"; {_WHAT_TO_DO[self.kind]}" if self.kind in _WHAT_TO_DO else ""
        return f"{self.name}: {self.how}{what}{todo}"


@dataclass(frozen=True)
class Examination:
    """A stage, what it reads undeclared, and the declared inputs that it never opened."""

    stage: Stage
    outcome: Outcome
    hidden: tuple[HiddenInput, ...] = ()
    unopened: tuple[str, ...] = ()
    reason: str = ""
    seconds: float = 0.0

    def lines_to_add(self) -> list[str]:
        """Return the lines that a stage lacks in dvc.yaml, with their indentation below it."""
        deps = sorted(
            {self._from_wdir(e.path) for e in self.hidden if not e.key and e.kind not in _NO_LINE}
        )
        parameters: dict[str, list[str]] = {}
        for each in self.hidden:
            if each.key:
                parameters.setdefault(self._from_wdir(each.path), []).append(".".join(each.key))
        return [
            *_section("deps", [f"- {_quoted(path)}" for path in deps]),
            *_section("params", list(_parameter_lines(parameters))),
        ]

    def lines(self) -> list[str]:
        """Return what is printed of it."""
        lines = [f"{self.stage.name}: {self.outcome}{f': {self.reason}' if self.reason else ''}"]
        lines += [f"  {each.in_words()}" for each in self.hidden]
        if to_add := self.lines_to_add():
            lines += [f"  add to {self.stage.file}, stage {self._key_in_file()}:"]
            lines += [f"    {line}" for line in to_add]
        lines += [f"  note: {each} is declared and was never opened" for each in self.unopened]
        return lines

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON document."""
        return {
            "stage": self.stage.name,
            "outcome": self.outcome.name.lower(),
            "reason": self.reason or None,
            "hidden": [
                {
                    "path": each.path,
                    "parameter": ".".join(each.key) or None,
                    "kind": each.kind.name.lower() if each.kind else None,
                    "how": each.how,
                }
                for each in self.hidden
            ],
            "add": self.lines_to_add(),
            "never_opened": list(self.unopened),
            "seconds": round(self.seconds, 3),
        }

    def _from_wdir(self, path: str) -> str:
        return path if path.startswith("/") else os.path.relpath(path, self.stage.wdir)

    def _key_in_file(self) -> str:
        return self.stage.group.rpartition(":")[2]


def _section(name: str, lines: Sequence[str]) -> list[str]:
    return [f"{name}:", *(f"  {line}" for line in lines)] if lines else []


def _parameter_lines(parameters: dict[str, list[str]]) -> Iterator[str]:
    for path in sorted(parameters, key=lambda each: (each != PARAMS_FILE, each)):
        names = sorted(parameters[path])
        if path == PARAMS_FILE:
            yield from (f"- {_quoted(each)}" for each in names)
        else:
            yield f"- {_quoted(path)}:"
            yield from (f"    - {_quoted(each)}" for each in names)


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
