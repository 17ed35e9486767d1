"""Five hundred damaged files: each is refused in one line that names it, or changes no byte of the
result.
"""

import json
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.disks.damage import WAYS, damaged
from tests.faults.disks.tiny_project import (
    READERS,
    SECONDS,
    contents,
    copy_of,
    left_checkpoint,
    made,
    ready_to_fork,
    run_reader,
)
from tests.faults.forked import run_stage

pytestmark = pytest.mark.slow

SEED, CASES, PARTS = 20, 520, 4
DELETED, REPLACED = "deleted", "of another run"


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """A tiny project in which every stage has run, and the same with another seed."""
    with ready_to_fork():
        yield tuple(made(tmp_path_factory.mktemp("project"), seed) for seed in (1, 2))  # type: ignore[misc]


def cases() -> list[tuple[str, str, str]]:
    """Return reader, file and way of CASES cases: every way for every file, then some more."""
    chance = random.Random(SEED)
    ways = [*WAYS, DELETED, REPLACED]
    every = [
        (file, way)
        for way in ways
        for file in READERS
        if not (way == "digit changed" and _is_binary(file))
    ]
    more = [chance.choice(every) for _ in range(CASES - len(every))]
    return [(chance.choice(READERS[file]), file, way) for file, way in every + more]


def _is_binary(file: str) -> bool:
    return file.endswith((".parquet", ".safetensors"))


def names(file: str) -> tuple[str, ...]:
    """What a refusal may call a file: itself, the table that it seals or its seal, the model that
    it is half of.
    """
    path = Path(file)
    if path.suffix == ".seal":
        return file, str(path.with_name(f"{path.stem[1:]}.parquet"))
    seal = str(path.with_name(f"_{path.stem}.seal"))
    return (file, seal, "models/model:", f"than {path.name}")


@pytest.mark.very_slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
def test_a_damaged_file_is_refused_by_name_or_changes_nothing(
    projects: tuple[Path, Path], tmp_path: Path, part: int
) -> None:
    project, other = projects
    right = {
        reader: _right(reader, project, tmp_path)
        for reader in sorted({r for rs in READERS.values() for r in rs})
    }
    tally: Counter[tuple[str, str]] = Counter()
    for number, (reader, file, way) in list(enumerate(cases()))[part::PARTS]:
        case = f"case {number}: {reader}, {file} {way}"
        chance = random.Random(number)
        folder = copy_of(project, tmp_path / f"case-{number}")
        data = (folder / file).read_bytes()
        (folder / file).unlink()
        if way != DELETED:
            content = (other / file).read_bytes() if way == REPLACED else damaged(data, way, chance)
            (folder / file).write_bytes(content)
        before = contents(folder)
        outcome = run_reader(reader, folder)
        assert not outcome.timed_out, case
        if outcome.code == 0:
            expected, text = right[reader]
            after = contents(folder)
            ours = after | {file: data}
            assert ours == expected, (
                case,
                [name for name in expected if ours.get(name) != expected[name]],
            )
            assert outcome.stdout == text, case
        else:
            assert outcome.refusal, f"{case}\n{outcome.stderr}"
            assert outcome.code == 2, f"{case}: {outcome.refusal}"
            assert any(name in outcome.refusal for name in names(file)), (
                f"{case}: {outcome.refusal}"
            )
            assert contents(folder) == before, case
        tally[way, "refused" if outcome.code else "the same result"] += 1
        shutil.rmtree(folder)
    for way in (*WAYS, DELETED, REPLACED):
        print(
            f"{way:18} {tally[way, 'refused']:4} refused"
            f"  {tally[way, 'the same result']:4} the same result"
        )


def _right(reader: str, project: Path, folder: Path) -> tuple[dict[str, bytes], str]:
    """Return what a reader leaves and prints where nothing is damaged."""
    copy = copy_of(project, folder / f"right-{reader}")
    outcome = run_reader(reader, copy)
    assert outcome.is_right, outcome.stderr
    return contents(copy), outcome.stdout


@pytest.mark.parametrize("way", [*WAYS, "of another training"])
def test_a_damaged_checkpoint_is_reported_and_training_starts_over(
    projects: tuple[Path, Path], tmp_path: Path, way: str
) -> None:
    project, _ = projects
    expected = {
        name: data for name, data in contents(project).items() if name.startswith("models/m")
    }
    chance = random.Random(way)
    folder = copy_of(project, tmp_path / "project")
    checkpoint = left_checkpoint(folder)
    data = checkpoint.read_bytes()
    if way == "of another training":
        document = json.loads(data)
        document["history"] = []
        content = json.dumps(document).encode()
    else:
        content = damaged(data, way, chance)
    checkpoint.write_bytes(content)
    outcome = run_stage("train", folder, timeout=SECONDS)
    assert outcome.is_right, outcome.stderr
    if not content.startswith(data):  # spaces behind the end do no harm
        assert f"{checkpoint.relative_to(folder)} is damaged" in outcome.stdout
        assert "resuming from step" not in outcome.stdout
    assert {
        name: data for name, data in contents(folder).items() if name.startswith("models/m")
    } == expected
    assert not list((folder / ".linreg/checkpoints").iterdir())
