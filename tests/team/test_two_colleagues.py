"""What one has made, the other repeats, beats, predicts with and serves."""

import json
import re
import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.servers.sent_runs import assert_every_point_once
from tests.project import NOTHING_CHANGED
from tests.team.colleague import Colleague
from tests.team.conftest import Team
from tests.team.servers import ADMIN_PASSWORD

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.mark.very_slow
def test_verify_and_rerun_fetch_the_table_from_the_remote(team: Team, tmp_path: Path) -> None:
    someone = team.newcomer(tmp_path / "someone")
    verified = someone.run("linreg verify").stdout
    assert "data/own/cars.csv: not in git, fetched from DVC's remote; its MD5 is" in verified
    assert "verify: every byte is the same" in verified
    # That of the run's commit is recorded by data/own/cars.csv.dvc only.
    repeated = someone.run(f"linreg rerun {team.run_id}").stdout
    assert "rerun: θ and b are the same, bit for bit" in repeated
    assert "used as it is now" not in repeated
    assert someone.run("git status --porcelain").stdout == ""
    assert not (someone.project.folder / "data/own/cars.csv").exists()


def test_a_remote_in_a_folder_has_the_same(team: Team, tmp_path: Path) -> None:
    team.ann.run(f"dvc remote add folder '{tmp_path / 'a folder'}' && dvc push -r folder")
    team.ann.run("git checkout -q .dvc/config")
    someone = team.newcomer(tmp_path / "someone")
    someone.run(f"dvc remote add --local --default folder '{tmp_path / 'a folder'}'")
    # Nobody reaches the bucket.
    someone.run("export AWS_ENDPOINT_URL=http://127.0.0.1:9")
    assert "fetched from DVC's remote" in someone.run("linreg verify").stdout
    someone.run("dvc pull")
    assert someone.run("dvc status").stdout == NOTHING_CHANGED


def test_what_is_on_no_remote_is_one_line(team: Team, tmp_path: Path) -> None:
    someone = team.newcomer(tmp_path / "someone")
    someone.run("dvc remote add --local --default empty /nowhere/at/all")
    done = someone.run("linreg verify", check=False)
    assert done.returncode == 2
    last_line = done.stdout.splitlines()[-1]
    assert last_line.startswith("error: stage ingest: data/own/cars.csv: is an input with MD5 ")
    assert "DVC's remote empty does not have it" in last_line


@pytest.mark.very_slow
def test_both_send_at_once_and_each_point_arrives_once(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", ADMIN_PASSWORD)

    def train(who: Colleague) -> None:
        who.run("linreg set split.seed=5")
        who.run("LINREG_SYNC= dvc repro")
        who.run("linreg sync")
        who.run("git checkout -q . && dvc checkout")

    both = (team.ann, team.ben)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(train, both))
    for who in both:
        num_runs = len(list(who.project.folder.glob(".linreg/runs/*/journal.jsonl")))
        assert_every_point_once(who.project.folder, team.servers.mlflow.url, num_runs)


@contextmanager
def served(who: Colleague) -> Iterator[str]:
    """Serve the champion; yields the command that the server prints."""
    with who.start("linreg serve --port 0") as process:
        assert process.stdout is not None
        try:
            lines: list[str] = []
            while not lines or not lines[-1].lstrip().startswith("-d "):
                lines.append(process.stdout.readline())
                assert lines[-1], lines
            yield "".join(line for line in lines if not line.startswith("models:"))
        finally:
            process.terminate()


def test_the_champion_of_one_is_served_by_the_other(team: Team) -> None:
    with served(team.ben) as request:
        retry = " --retry 60 --retry-connrefused --retry-delay 1 -s "
        answer = team.ben.run(request.strip().replace("curl ", f"curl{retry}", 1)).stdout
    [row] = json.loads(shlex.split(request)[-1])["dataframe_records"]
    [prediction] = json.loads(answer)["predictions"]
    table = ",".join(row) + "\n" + ",".join(map(str, row.values())) + "\n"
    (team.ben.project.folder / "predictions.in.csv").write_text(table)
    team.ann.run(
        f"linreg predict models/model {team.ben.project.folder}/predictions.in.csv predictions.csv"
    )
    last = (team.ann.project.folder / "predictions.csv").read_text().splitlines()[-1]
    found = [float(number) for number in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", last)]
    assert prediction in found
