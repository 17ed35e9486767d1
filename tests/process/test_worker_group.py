import json
import math
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from linreg.data.formula.design import Design
from linreg.data.tables import parquet as table_module
from linreg.data.tables.parquet import write_table
from linreg.files import content_hash, write_document
from linreg.process.workers import ALONE
from tests.process.project import Toy, is_alive, wait_until
from tests.process.toy import trained

NAN_WITH_PAYLOAD = b"\x2a\x00\x00\x00\x00\x00\xf8\xff"


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toy]:
    with Toy(tmp_path / "a project") as toy:
        yield toy


def given(num_workers: int) -> dict[str, Any]:
    """What each process has to send: floats of every kind, arrays of different lengths, of which
    some are empty.
    """
    floats = [0.1, -0.0, 5e-324, 1.7976931348623157e308, math.inf, -math.inf, math.nan, 1 / 3]
    values = [
        [rank, floats[rank:], None, {"ö\n": [True, "x" * 100 * rank], "": floats}]
        for rank in range(num_workers)
    ]
    random = np.random.default_rng(1)
    lengths = [3, 0, 20_000, 1]
    # Any bits at all.
    arrays = [random.bytes(8 * lengths[rank]) for rank in range(num_workers)]
    arrays[0] = np.array([-0.0, np.inf]).tobytes() + NAN_WITH_PAYLOAD
    numbers = [0.1, "b", [math.nan], None, -0.0]
    arrays_as_hex = [each.hex() for each in arrays]
    return {
        "values": values,
        "arrays": arrays_as_hex,
        "numbers": numbers,
        "hashed": ["given.json", "stages"],
    }


def trainings(folder: Path, learn: Callable[..., Design]) -> list[dict[str, Any]]:
    """Trainings on 5 shards, more than there are workers, and on 2, fewer; some with weights."""
    found, rng = [], np.random.default_rng(3)
    X = rng.normal(size=(61, 3)) * [1, 20, 0.1] + [0, 5, -1]
    columns = {
        "x1": X[:, 0],
        "x2": X[:, 1],
        "x3": X[:, 2],
        "g": [f"level {i % 3}" for i in range(61)],
    }
    y = 0.7 + X @ [1.0, -0.1, 3.0] + rng.normal(size=61)
    rows = pa.table({**columns, "y": y, "w": rng.uniform(0.1, 3, 61)})
    schema = learn("y ~ x1 + x2 + x3 + g", rows.drop_columns("w")).schema
    for num_shards, weights in ((5, None), (5, "w"), (2, None)):
        path = folder / f"schema-{num_shards}-{weights}.json"
        write_document(path, replace(schema, weights=weights).as_data())
        shards = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(table_module, "ROWS_PER_GROUP", 4)
            for index, of_shard in enumerate(np.array_split(np.arange(61), num_shards)):
                shards.append(folder / f"of-{num_shards}-{weights}-{index}.parquet")
                write_table(shards[-1], rows.schema, [rows.take(of_shard)])
        params: list[dict[str, Any]] = [{"dtype": "float64", "batch_size": 7}]
        if num_shards == 5:
            params += [
                {
                    "dtype": "float32",
                    "batch_size": 10,
                    "momentum": 0.9,
                    "average": 0.4,
                    "schedule": "cosine",
                },
                {"dtype": "float32", "batch_size": 5, "l2": 0.3, "momentum": 0.0, "seed": 2},
                {
                    "dtype": "float64",
                    "batch_size": 100,
                    "l2": 0.01,
                    "momentum": 0.5,
                    "average": 1.0,
                },
            ]
        for each in params:
            each |= {"epochs": 3, "scale": "standardize", "lr": 0.01}
            found.append(
                {"schema": str(path), "shards": [str(shard) for shard in shards], "params": each}
            )
    return found


def same(found: Any, expected: Any) -> bool:
    """Whether two documents are equal, with NaN equal to itself and 0.0 not to -0.0."""
    return json.dumps(found) == json.dumps(expected)


def check(toy: Toy, num_workers: int, sent: dict[str, Any], expected: list[Any]) -> None:
    """Check what every process has found: all that was sent, in the order of the ranks."""
    for rank in range(num_workers):
        found = json.loads((toy.folder / f"found-{rank}.json").read_text())
        assert same(found["gather"], sent["values"])
        assert found["gather_array"] == sent["arrays"]
        assert same(found["concatenate"], sent["numbers"])
        assert same(found["broadcast"], sent["values"][0])
        assert found["hashes"] == {each: content_hash(toy.folder / each) for each in sent["hashed"]}
        assert found["alone"] is False
        for number, (theirs, alone) in enumerate(zip(found["trained"], expected, strict=True)):
            assert theirs == alone, sent["trainings"][number]
    folder = json.loads((toy.folder / "found-0.json").read_text())["folder"]
    assert folder == [str(rank) for rank in range(num_workers)]
    assert (
        (toy.folder / "folder/1").read_text() == (toy.folder / "folder/0").read_text() != "folder"
    )


@pytest.mark.slow
@pytest.mark.parametrize("num_workers", [2, pytest.param(3, marks=pytest.mark.very_slow)])
def test_values_are_gathered_by_rank_and_training_gives_the_bits_of_one_process(
    toy: Toy, learn: Callable[..., Design], num_workers: int
) -> None:
    sent = given(num_workers) | {"trainings": trainings(toy.folder, learn)}
    (toy.folder / "given.json").write_text(json.dumps(sent))
    done = toy.run(WORKERS=str(num_workers), TOY="all")
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
    expected = [trained(ALONE, each) for each in sent["trainings"]]
    assert all(len(each) == 3 for each in expected)
    check(toy, num_workers, sent, expected)


@pytest.mark.slow
def test_under_a_users_torchrun_results_are_the_same_and_one_process_runs_once(
    toy: Toy, learn: Callable[..., Design]
) -> None:
    sent = given(2) | {"trainings": trainings(toy.folder, learn)[:2]}
    (toy.folder / "given.json").write_text(json.dumps(sent))
    torchrun = (
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "-m",
        "stages.toy",
    )
    done = toy.run(*torchrun, TOY="all", TOY_ALONE="yes", OMP_NUM_THREADS="1")
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    check(toy, 2, sent, [trained(ALONE, each) for each in sent["trainings"]])
    assert [path.name for path in toy.folder.glob("alone-*")] == ["alone-0"]


@pytest.mark.slow
def test_a_users_mistake_under_a_users_torchrun_is_printed(toy: Toy) -> None:
    torchrun = (
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "-m",
        "stages.toy",
    )
    done = toy.run(*torchrun, TOY="mistake in one", OMP_NUM_THREADS="1")
    assert done.returncode != 0
    assert "\nerror: given.json: is wrong; found 1; change it\n" in f"\n{done.stderr}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "wanted", ["mistake in one", pytest.param("mistake in all", marks=pytest.mark.very_slow)]
)
def test_a_users_mistake_is_one_line_whichever_processes_raise_it(toy: Toy, wanted: str) -> None:
    done = toy.run(WORKERS="2", TOY=wanted)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: given.json: is wrong; found 1; change it\n"


@pytest.mark.slow
def test_a_bug_shows_its_traceback(toy: Toy) -> None:
    done = toy.run(WORKERS="3", TOY="bug")
    assert done.returncode == 1
    assert done.stderr.count("ZeroDivisionError: division by zero") == 1
    assert "stages/toy.py" in done.stderr


@pytest.mark.slow
def test_a_killed_worker_stops_the_others_and_is_named_in_one_line(toy: Toy) -> None:
    """Of the others one sleeps and one waits for the one that is killed."""
    launcher = toy.start(WORKERS="3", TOY="wait")
    pids = toy.pids(3)
    os.kill(pids[1], signal.SIGKILL)
    output, errors = launcher.communicate(timeout=10)
    assert (launcher.returncode, output) == (1, "")
    assert errors == "error: workers: process 1 of 3 was ended by signal 9; run the stage again\n"
    assert not any(map(is_alive, pids))


@pytest.mark.slow
@pytest.mark.parametrize(
    "number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.very_slow)]
)
def test_no_worker_outlives_the_launcher(toy: Toy, number: signal.Signals) -> None:
    launcher = toy.start(WORKERS="2", TOY="wait")
    pids = toy.pids(2)
    launcher.send_signal(number)
    if number == signal.SIGKILL:
        wait_until(lambda: not any(map(is_alive, pids)), seconds=1)
        return
    _, errors = launcher.communicate(timeout=10)
    assert launcher.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in errors
    assert not any(map(is_alive, pids))


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "-1", "x", "2000", "1.5", "²"])
def test_an_invalid_number_of_workers_is_an_error_of_one_line(toy: Toy, workers: str) -> None:
    done = toy.run(WORKERS=workers, TOY="all")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"error: environment: WORKERS: must be a number of processes, 1 to 1024; found {workers}\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "", "01"])
def test_one_worker_runs_in_the_process_itself(toy: Toy, workers: str) -> None:
    (toy.folder / "given.json").write_text(json.dumps(given(1) | {"trainings": []}))
    process = toy.start(WORKERS=workers, TOY="all")
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (0, "done\n", "")
    assert toy.pids(1) == [process.pid]
    assert json.loads((toy.folder / "found-0.json").read_text())["alone"] is True
