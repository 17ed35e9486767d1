"""Two clones on a machine with one cache, as docs/team.md sets them up."""

import os
import stat
import time
from pathlib import Path

import pytest

from linreg.files import content_hash
from tests.project import NOTHING_CHANGED
from tests.team.colleague import Colleague
from tests.team.conftest import Team
from tests.team.page import blocks, examples

pytestmark = [pytest.mark.very_slow, pytest.mark.timeout(1800)]

OUTPUTS = ("data/split", "models/model", "models/training", "models/evaluation")


@pytest.fixture(scope="module")
def pair(team: Team, tmp_path_factory: pytest.TempPathFactory) -> tuple[Colleague, Colleague, Path]:
    """Two clones; only the first can reach the bucket."""
    top = tmp_path_factory.mktemp("one-machine")
    cache = top / "dvc-cache"
    cache.mkdir()
    cache.chmod(0o2775)
    [setup] = blocks("One cache for all clones on a machine", "console")
    both = []
    for name in ("first", "second"):
        someone = team.newcomer(top / name)
        both.append(someone)
        *settings, pull = examples(setup.replace("/srv/dvc-cache", str(cache)))
        for command, _ in settings:
            someone.run(command)
        if name == "first":
            someone.run(pull[0])
    both[1].run("export AWS_ENDPOINT_URL=http://127.0.0.1:9")
    both[1].run("dvc checkout")
    return both[0], both[1], cache


def hashes(who: Colleague) -> dict[str, str]:
    return {path: content_hash(who.project.folder / path) for path in OUTPUTS}


def test_the_second_clone_has_everything_without_a_remote(
    pair: tuple[Colleague, Colleague, Path],
) -> None:
    first, second, cache = pair
    assert second.run("dvc status").stdout == NOTHING_CHANGED
    assert hashes(first) == hashes(second)
    table = "data/own/cars.csv"
    assert len({(each.project.folder / table).stat().st_ino for each in (first, second)}) == 1
    assert "verify: every byte is the same" in second.run("linreg verify").stdout
    for path in cache.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o2070 == 0o2070 if path.is_dir() else mode & 0o040, path


def test_what_one_trains_leaves_the_files_of_the_other(
    pair: tuple[Colleague, Colleague, Path],
) -> None:
    first, second, _ = pair
    before = hashes(first)
    second.run("linreg set split.seed=11 && dvc repro")
    assert hashes(first) == before
    assert first.run("dvc status").stdout == NOTHING_CHANGED
    # The run cache is shared as well: nothing is trained a second time.
    trained = hashes(second)
    done = first.run("linreg set split.seed=11 && dvc repro").stdout
    assert "Stage 'train' is cached" in done
    assert hashes(first) == trained
    for who in (first, second):
        who.run("git checkout -q . && dvc checkout")
        assert hashes(who) == before


def test_repair_looks_into_the_cache_that_is_used_and_leaves_what_others_write(
    pair: tuple[Colleague, Colleague, Path],
) -> None:
    first, _, cache = pair
    entry = cache / "runs/0a" / ("0a" * 32)
    entry.mkdir(parents=True)
    written = entry / ".being-written.tmp"
    written.touch()
    assert first.run("linreg repair", check=False).returncode == 1
    assert written.exists()
    an_hour_ago = time.time() - 3600
    os.utime(written, (an_hour_ago, an_hour_ago))
    first.run("linreg repair")
    assert not written.exists()
    assert first.run("dvc status").stdout == NOTHING_CHANGED
