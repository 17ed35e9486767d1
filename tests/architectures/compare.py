"""The outputs of the same configurations on two machines, compared byte for byte.

    python -m tests.architectures.compare EXPECTED FOUND [NAME ...]

Each folder is one that tests.architectures.run has filled. Exit code 1 when a file differs or is on
one side only.
"""

import argparse
import filecmp
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from linreg.dvc_lock import DVC_LOCK, read_lock
from linreg.text import table
from linreg.verify.differences.json_documents import is_hash
from linreg.verify.differences.paths import first_difference
from tests.architectures.configurations import CONFIGURATIONS
from tests.architectures.run import STAGES
from tests.project import ROOT


@dataclass(frozen=True)
class StageComparison:
    """The files that a stage wrote in a configuration.

    num_files   how many there are, on either side
    num_same    how many of them have the same bytes on both sides
    difference  the first difference in words; empty where there is none
    """

    stage: str
    num_files: int
    num_same: int
    difference: str


def compare(expected: Path, found: Path) -> list[StageComparison]:
    """Compare the outputs of a configuration in two folders, stage by stage in their order.

    A stage without outputs on either side is left out.
    """
    recorded = read_lock(ROOT / DVC_LOCK).stages
    compared = []
    for stage in STAGES:
        outputs = [output.path for output in recorded[stage].outs]
        files = {
            file.relative_to(folder)
            for folder in (expected, found)
            for output in outputs
            for file in _files(folder / output)
        }
        num_same = sum(_is_same(expected / file, found / file) for file in files)
        difference = _first_difference(expected, found, outputs) if num_same < len(files) else ""
        if files:
            compared.append(StageComparison(stage, len(files), num_same, difference))
    return compared


def report(expected: Path, found: Path, names: Iterable[str]) -> tuple[list[str], bool]:
    """Return lines that say what is the same in each configuration, and whether everything is.

    A configuration of which one side has no outputs is different.
    """
    rows: list[list[str]] = []
    differences: list[str] = []
    for name in names:
        stages = compare(expected / name, found / name)
        complete = all(_files(folder / name / "models/evaluation") for folder in (expected, found))
        different = [each for each in stages if each.difference]
        same = complete and not different
        cells = [f"{each.stage} {each.num_same}/{each.num_files}" for each in stages]
        rows.append([name, "same" if same else "DIFFERENT", *cells])
        if different:
            first = different[0]
            differences.append(f"{name}: {first.stage}: {first.difference}")
        elif not same:
            differences.append(f"{name}: has not run to its end on both machines")
    return [*table(rows), *differences], not differences


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]


def _is_same(expected: Path, found: Path) -> bool:
    both = expected.is_file() and found.is_file()
    return both and filecmp.cmp(expected, found, shallow=False)


def _first_difference(expected: Path, found: Path, outputs: Iterable[str]) -> str:
    """Return the first difference of a stage's outputs in words; a value before a hash."""
    differences = []
    for output in outputs:
        if not (expected / output).exists() and not (found / output).exists():
            continue
        if difference := first_difference(expected / output, found / output):
            inside = difference.path != Path(output).name
            path = f"{output}/{difference.path}" if inside else output
            differences.append(replace(difference, path=path))
    return str(min(differences, key=lambda difference: is_hash(difference.where)))


def main() -> int:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("expected", type=Path)
    parser.add_argument("found", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", default=list(CONFIGURATIONS))
    arguments = parser.parse_args()
    lines, same = report(arguments.expected, arguments.found, arguments.names)
    print("\n".join(lines))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
