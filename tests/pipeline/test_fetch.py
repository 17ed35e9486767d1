"""`linreg use` and `dvc repro` with a table that is elsewhere: read again only when it changes."""

import random
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.data.fetch.servers import content, web
from tests.project import Project, copy_of_the_project

BEHIND = ("ingest", "split", "train", "evaluate")
FEW_EPOCHS = "2"


def rows(seed: int, number: int = 400) -> list[tuple[float, float, str]]:
    draw = random.Random(seed)  # noqa: S311 - rows
    found = []
    for _ in range(number):
        area, zone = draw.gauss(100, 20), draw.choice(["north", "south"])
        found.append((3 * area + 10 * (zone == "north") + draw.gauss(0, 5), area, zone))
    return found


def as_csv(seed: int) -> bytes:
    lines = [",".join(map(str, row)) for row in rows(seed)]
    return "\n".join(["price,area,zone", *lines, ""]).encode()


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    copy_of_the_project(folder)
    return folder


@pytest.fixture
def project(copy: Path, tmp_path: Path) -> Project:
    shutil.copytree(copy, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project", sends=False)


def stages_run(printed: str) -> list[str]:
    """Return the stages that ran, without the one that runs every time."""
    stages = re.findall(r"^Running stage '(.*)'", printed, re.MULTILINE)
    return [stage for stage in stages if stage != "lock"]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
        connection.execute("CREATE TABLE sales (price REAL, area REAL, zone TEXT)")
        connection.executemany("INSERT INTO sales VALUES (?, ?, ?)", rows(1))
        connection.commit()
        yield connection


@pytest.mark.very_slow
def test_a_query_from_use_to_the_model_and_only_changed_rows_run_the_stages_again(
    project: Project, shop: sqlite3.Connection, tmp_path: Path
) -> None:
    database = str(tmp_path / "shop.db")
    query = "SELECT price, area, zone FROM sales WHERE area > 0"
    counted = "SELECT count(*) FROM sales"
    asked = ("--sql", query, "--fingerprint", counted)
    used = project.run("linreg", "use", database, *asked, "--target", "price")
    assert "price ~ area + zone" in used.stdout
    assert "Neither git nor DVC tracks" not in used.stdout
    project.run("linreg", "set", f"train.epochs={FEW_EPOCHS}", "evaluate.gates={}")
    first = project.run("dvc", "repro").stdout
    assert [stage for stage in stages_run(first) if stage in BEHIND] == list(BEHIND)
    assert stages_run(project.run("dvc", "repro").stdout) == ["fetch@shop"]

    # The same rows in another order are no change.
    shop.execute("CREATE TABLE other AS SELECT * FROM sales ORDER BY area")
    shop.execute("DELETE FROM sales")
    shop.execute("INSERT INTO sales SELECT * FROM other")
    shop.commit()
    assert stages_run(project.run("dvc", "repro").stdout) == ["fetch@shop"]

    shop.execute("INSERT INTO sales VALUES (300, 100, 'south')")
    shop.commit()
    again = project.run("dvc", "repro").stdout
    assert stages_run(again) == ["fetch@shop", *BEHIND]
    assert "fetch: fetched: 401 rows of " in again
    assert project.json("data/ingested/profile.json")["rows"] == 401

    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "sales")
    (tmp_path / "shop.db").rename(tmp_path / "elsewhere.db")
    failed = project.run("dvc", "repro", check=False)
    assert failed.returncode != 0
    assert f"error: {database}: there is no such file or folder; check the path;" in failed.stderr
    assert "LINREG_OFFLINE=1 goes on with the table of the last fetch" in failed.stderr
    offline = project.run("dvc", "repro", env={"LINREG_OFFLINE": "1"})
    assert stages_run(offline.stdout) == ["fetch@shop"]
    assert "fetch: not asked for news, by LINREG_OFFLINE: 401 rows" in offline.stdout
    verified = project.run("linreg", "verify").stdout
    assert "data/fetched/shop: not in git, copied from the working directory" in verified
    assert "verify: every byte is the same" in verified


@pytest.mark.very_slow
def test_a_file_of_a_server_from_use_to_the_model_and_in_an_experiment(project: Project) -> None:
    answers = {"/data/sales.csv?key=s3cr3t": content(as_csv(1), ETag='"1"')}
    key = {"SALES_KEY": "s3cr3t"}
    with web(answers) as server:
        address = f"{server}/data/sales.csv?key=${{SALES_KEY}}"
        project.run("linreg", "use", address, "--target", "price", env=key)
        project.run("linreg", "set", f"train.epochs={FEW_EPOCHS}", "evaluate.gates={}")
        project.run("dvc", "repro", env=key)
        assert stages_run(project.run("dvc", "repro", env=key).stdout) == ["fetch@sales"]
        project.run("git", "add", "-A")
        project.run("git", "commit", "-qm", "sales")
        # In a copy of the project, which has what DVC has stored.
        experiment = project.run("dvc", "exp", "run", "--temp", "-S", "split.seed=2", env=key)
        assert stages_run(experiment.stdout) == ["fetch@sales", *BEHIND[1:]]
        without = project.run("dvc", "repro", check=False)
        assert "needs the environment variable SALES_KEY; export SALES_KEY=…" in without.stderr
        answers["/data/sales.csv?key=s3cr3t"] = content(as_csv(2), ETag='"2"')
        assert stages_run(project.run("dvc", "repro", env=key).stdout) == ["fetch@sales", *BEHIND]
    tests = project.folder / "tests"
    files = [path for path in project.folder.rglob("*") if path.is_file()]
    written = [path for path in files if not path.is_relative_to(tests)]
    assert not [path for path in written if b"s3cr3t" in path.read_bytes()]


@pytest.mark.slow
def test_use_refuses_a_password_and_writes_nothing(project: Project) -> None:
    before = (project.folder / "params.yaml").read_text()
    address = "postgresql://analyst:s3cr3t@127.0.0.1/shop"
    done = project.run("linreg", "use", address, "--sql", "sales", check=False)
    assert done.returncode == 2
    assert "must hold no password or key; found postgresql://analyst:***@127.0.0.1" in done.stderr
    assert "s3cr3t" not in done.stdout + done.stderr
    assert (project.folder / "params.yaml").read_text() == before


def test_a_table_to_predict_is_not_fetched(project: Project) -> None:
    arguments = ("models/model", "https://example.org/t.csv", "out.csv")
    done = project.run("linreg", "predict", *arguments, check=False)
    assert done.returncode == 2
    assert "there is no such file or folder; download it first" in done.stderr
