"""The default pipeline's stages as pure functions of parameters and code, and their dvc.lock.

A run takes no time, and the dvc.lock of any state of the project is known.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

SCORES = "models/evaluation/scores.json"
SCHEMA = "data/ingested/schema.json"
PARAMETERS = {
    "generate": ("rows", "seed"),
    "ingest": ("missing", "sheet"),
    "model": ("formula",),
    "split": ("seed", "shards"),
    "train": ("epochs", "lr", "seed"),
    "evaluate": ("confidence",),
}
WITHOUT_EFFECT = ("ingest.sheet", "train.seed")
"""Parameters that change the entry of a stage, but not what it writes."""
CODE = ("shared", "generate", "ingest", "split", "train", "evaluate")


@dataclass(frozen=True)
class Stage:
    name: str
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    outputs: tuple[str, ...]


STAGES = (
    Stage("generate", (), ("generate",), ("data/raw/generated.parquet",)),
    Stage("ingest", ("data/raw/generated.parquet",), ("ingest", "model"), ("data/ingested",)),
    Stage("split", ("data/ingested",), ("split",), ("data/split",)),
    Stage("train", (SCHEMA, "data/split"), ("train",), ("models/model", "models/training")),
    Stage(
        "evaluate",
        (SCHEMA, "data/split", "models/model", "models/training"),
        ("evaluate", "train"),
        ("models/evaluation/metrics.json", SCORES),
    ),
)


@dataclass(frozen=True)
class State:
    """What a commit holds: a value for every parameter, effect and comment of every source file."""

    parameters: Mapping[str, int] = field(
        default_factory=lambda: {
            f"{section}.{key}": 0 for section, keys in PARAMETERS.items() for key in keys
        }
    )
    code: Mapping[str, tuple[int, int]] = field(default_factory=lambda: dict.fromkeys(CODE, (0, 0)))

    def changed(self, **changes: int) -> "State":
        """Return it with other parameters, such as train_lr=1, and code, such as code_train=1 and
        comment_train=1.
        """
        parameters, code = dict(self.parameters), dict(self.code)
        for name, value in changes.items():
            kind, _, rest = name.partition("_")
            if kind in ("code", "comment"):
                effect, comment = code[rest]
                code[rest] = (value, comment) if kind == "code" else (effect, value)
            else:
                parameters[f"{kind}.{rest}"] = value
        return replace(self, parameters=parameters, code=code)

    def merged(self, ours: "State", theirs: "State") -> "State":
        """Return the state in which both have changed this one; ours wins where both did."""

        def three_way(before: int, a: int, b: int) -> int:
            return b if a == before else a

        parameters = {
            name: three_way(*(each.parameters[name] for each in (self, ours, theirs)))
            for name in self.parameters
        }
        code = {}
        for name in self.code:
            versions = [each.code[name] for each in (self, ours, theirs)]
            effect, comment = map(three_way, *versions)
            code[name] = (effect, comment)
        return replace(self, parameters=parameters, code=code)

    def source(self, name: str) -> str:
        effect, comment = self.code[name]
        return "\n".join([f"effect = {effect}", *["# the same"] * 4, f"# comment {comment}", ""])

    def files(self) -> dict[str, str]:
        """Return the files in git, by path; far apart stands what is to be merged line by line."""
        lines = []
        for section, keys in PARAMETERS.items():
            lines += [f"{section}:"]
            for key in keys:
                lines += [f"  {key}: {self.parameters[f'{section}.{key}']}", *["  #"] * 4]
        runs, scores = self._run()
        return {
            "params.yaml": "\n".join(lines) + "\n",
            "dvc.yaml": json.dumps({"stages": {each.name: {} for each in STAGES}}) + "\n",
            **{f"code/{name}.py": self.source(name) for name in CODE},
            "dvc.lock": "schema: '2.0'\nstages:\n" + "".join(runs.values()),
            SCORES: scores,
        }

    def entries(self) -> dict[str, str]:
        """Return the text of each stage's entry after a run of all stages."""
        return self._run()[0]

    def _run(self) -> tuple[dict[str, str], str]:
        hashes: dict[str, str] = {}
        entries, scores = {}, ""
        for stage in STAGES:
            sources = ("shared", stage.name)
            values = {
                name: value
                for name, value in self.parameters.items()
                if name.split(".")[0] in stage.parameters and name not in WITHOUT_EFFECT
            }
            seen: list[Any] = [stage.name, [hashes[each] for each in stage.inputs]]
            seen += [values, [self.code[each][0] for each in sources]]
            for path in stage.outputs:
                content = json.dumps([path, *seen], indent=1) + "\n"
                hashes[path] = md5(content)
                if path == SCORES:
                    scores = content
            if stage.name == "ingest":
                # It says less of its inputs than the rows do.
                hashes[SCHEMA] = md5(f"{self.parameters['model.formula']}")
            code = {f"code/{each}.py": md5(self.source(each)) for each in sources}
            entries[stage.name] = self._entry(stage, hashes, code)
        return entries, scores

    def _entry(self, stage: Stage, hashes: Mapping[str, str], code: Mapping[str, str]) -> str:
        lines = [f"  {stage.name}:", f"    cmd: python -m stages.{stage.name}", "    deps:"]
        inputs = {path: hashes[path] for path in stage.inputs} | dict(code)
        for path, value in sorted(inputs.items()):
            lines += [f"    - path: {path}", "      hash: md5", f"      md5: {value}"]
        lines += ["    params:", "      params.yaml:"]
        for section in stage.parameters:
            lines.append(f"        {section}:")
            for key in PARAMETERS[section]:
                lines.append(f"          {key}: {self.parameters[f'{section}.{key}']}")
        lines.append("    outs:")
        for path in stage.outputs:
            lines += [f"    - path: {path}", "      hash: md5", f"      md5: {hashes[path]}"]
        return "\n".join(lines) + "\n"


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def lock_of(entries: Mapping[str, str]) -> str:
    return "schema: '2.0'\nstages:\n" + "".join(entries.values())


def write(state: State, folder: Path) -> None:
    for name, text in state.files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
