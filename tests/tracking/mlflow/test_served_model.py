"""`mlflow models serve` as a user starts it: a prediction per row, or our error 400; never NaN."""

import http.client
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from mlflow import MlflowClient

from linreg.data.formula.design import Design
from linreg.fit.model import LinearModel, load
from linreg.tracking.mlflow import logged_model

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated"),
]

ROOT = Path(__file__).parents[3]
SECONDS_TO_START = 120
ROWS = pd.DataFrame(
    {"area": [50.5, 80.0, 120.25], "rooms": [2, 3, 5], "zone": ["a", "b", "b"], "floor": [1, 2, 1]}
    | {"garden": [True, False, True]}
)
RECORDS: list[dict[str, Any]] = json.loads(ROWS.to_json(orient="records"))
VALID = RECORDS[0]
HEADER = "area,rooms,zone,floor,garden"
CSV, JSON, PARQUET = "text/csv", "application/json", "application/vnd.apache.parquet"


class Server:
    """The scoring server with the champion, and the model's artifact."""

    def __init__(self, port: int, artifact: Path) -> None:
        self.port, self.artifact = port, artifact

    def post(self, body: Any, kind: str = JSON) -> tuple[int, str]:
        """Post a body; returns the status and the text of the answer, or of its message."""
        if not isinstance(body, bytes):
            body = (body if isinstance(body, str) else json.dumps(body)).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", "/invocations", body, {"Content-Type": kind})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        with suppress(ValueError, KeyError, TypeError):
            text = json.loads(text)["message"]
        return answer.status, text


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, learn: Callable[..., Design]
) -> Iterator[Server]:
    """Serves models:/linreg@champion from a new store, started in the project as a user would."""
    top = tmp_path_factory.mktemp("serving")
    table = pa.Table.from_pandas(ROWS.assign(y=1.0), preserve_index=False)
    design = learn(
        "y ~ area + rooms + zone + C(floor) + garden",
        table.set_column(2, "zone", table["zone"].cast("string")),
    )
    (top / "model").mkdir()
    LinearModel(design, np.linspace(0.5, 2.5, len(design.names)), -1.5, {}).save(top / "model")
    logged_model.save(top / "model", top / "mlflow_model")
    store = f"sqlite:///{top}/mlflow.db"
    client = MlflowClient(store, store)
    client.create_registered_model("linreg")
    version = client.create_model_version("linreg", str(top / "mlflow_model"))
    client.set_registered_model_alias("linreg", "champion", version.version)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [
        "mlflow",
        "models",
        "serve",
        "-m",
        "models:/linreg@champion",
        "--env-manager",
        "local",
        "-p",
        str(port),
    ]
    assert shutil.which("mlflow")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "DVC"))
    }
    log = top / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment | {"MLFLOW_TRACKING_URI": store},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait_until_it_answers(process, port, log)
        yield Server(port, top / "model")
    finally:
        # The server is a child of the process `mlflow`.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_it_answers(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/ping")
            answer = connection.getresponse()
            answer.read()
            connection.close()
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def with_cells(**cells: object) -> dict[str, Any]:
    """A valid row, and one with these cells."""
    return {"dataframe_records": [RECORDS[1], VALID | cells]}


def with_word(word: str) -> str:
    """A body whose second area is a word that Python does not write as JSON."""
    return json.dumps(with_cells(area="HERE")).replace('"HERE"', word)


def parquet() -> bytes:
    file = io.BytesIO()
    ROWS.to_parquet(file)
    return file.getvalue()


@pytest.mark.very_slow
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"dataframe_records": RECORDS}, JSON),
        (
            {"dataframe_records": [row | {"id": i, "y": None} for i, row in enumerate(RECORDS)]},
            JSON,
        ),
        ({"dataframe_split": json.loads(ROWS.to_json(orient="split"))}, JSON),
        ({"inputs": {name: ROWS[name].tolist() for name in ROWS}}, JSON),
        ({"inputs": RECORDS}, JSON),
        ({"instances": RECORDS}, JSON),
        ({"dataframe_records": [row | {"rooms": str(row["rooms"])} for row in RECORDS]}, JSON),
        (ROWS.to_csv(index=False), CSV),
        (ROWS.to_csv(), CSV),
        (parquet(), PARQUET),
    ],
    ids=[
        "records",
        "extra",
        "split",
        "inputs",
        "inputs-rows",
        "instances",
        "spelt",
        "csv",
        "csv-index",
        "parquet",
    ],
)
def test_rows_in_every_format_get_the_predictions_of_the_artifact(
    server: Server, body: Any, kind: str
) -> None:
    status, answer = server.post(body, kind)
    assert status == 200, answer
    assert json.loads(answer) == {"predictions": load(server.artifact).predict(ROWS).tolist()}


AREA, ZONE, FLOOR, GARDEN = (f"column {name}: " for name in ("area", "zone", "floor", "garden"))
MISSING = "is missing; fill the cell or leave the row out"
NUMBER, LEVEL = (
    "must hold a number; found ",
    "holds a level that the training rows do not have; found ",
)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (with_cells(area=None), f"row 2: {AREA}{MISSING}"),
        (with_cells(zone=None), f"row 2: {ZONE}{MISSING}"),
        (with_cells(floor=None), f"row 2: {FLOOR}{MISSING}"),
        (with_cells(garden=None), f"row 2: {GARDEN}{MISSING}"),
        (with_word("NaN"), f"row 2: {AREA}{MISSING}"),
        (with_word("Infinity"), f"row 2: {AREA}is not finite; found area = inf"),
        (with_word("1e999"), f"row 2: {AREA}is not finite; found area = inf"),
        (with_cells(area="-inf"), f"row 2: {AREA}is not finite; found area = -inf"),
        (with_cells(area=10**400), f"row 2: {AREA}is not finite; found area = inf"),
        (with_cells(area="large"), f"row 2: {AREA}{NUMBER}'large'; correct the cell"),
        (with_cells(area=""), f"row 2: {AREA}{NUMBER}''; correct the cell"),
        (with_cells(area=True), f"row 2: {AREA}{NUMBER}'True'; correct the cell"),
        (with_cells(area=[1]), f"row 2: {AREA}{NUMBER}'[1]'; correct the cell"),
        (
            {"dataframe_records": [VALID | {"area": True}]},
            f"{AREA}must hold double; found bool, such as True",
        ),
        (with_cells(zone="never seen"), f"row 2: {ZONE}{LEVEL}'never seen'; known levels: a, b"),
        (with_cells(zone=5), f"row 2: {ZONE}{LEVEL}'5'; known levels: a, b"),
        (with_cells(floor=1.5), f"row 2: {FLOOR}{LEVEL}1.5; known levels: 1, 2"),
        (with_cells(floor=3), f"row 2: {FLOOR}{LEVEL}3; known levels: 1, 2"),
        (with_cells(garden="yes"), f"row 2: {GARDEN}{LEVEL}'yes'; known levels: False, True"),
        (with_cells(garden=1), f"row 2: {GARDEN}{LEVEL}'1'; known levels: False, True"),
        (with_cells(area=1.7e308, rooms=1.7e308), "row 2: is too large to predict from; found"),
        (
            {"dataframe_records": [{"Area": 1, "rooms": 2}]},
            f"{AREA}is missing; found Area, rooms; name the columns as",
        ),
        (
            {"dataframe_records": [{}]},
            f"{AREA}is missing; found no column; name the columns as in training",
        ),
        (
            {"dataframe_split": {"data": [[1, 2]]}},
            f"{AREA}is missing; found 0, 1; name the columns as in training",
        ),
        (
            {"dataframe_split": {"columns": ["area", "area"], "data": [[1, 2]]}},
            f"{AREA}appears more than once; found a",
        ),
    ],
)
def test_an_invalid_cell_is_400_with_its_place(server: Server, body: Any, message: str) -> None:
    status, answer = server.post(body)
    assert status == 400, answer
    assert answer.splitlines()[-1].startswith(f"Error: the input: {message}")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (",2,a,1,True", f"row 1: {AREA}{MISSING}"),
        ("1,2,a,1,True\n1,2,a,1,", f"row 2: {GARDEN}{MISSING}"),
        ("1,2,a,1,True\nlarge,2,a,1,True", f"row 2: {AREA}{NUMBER}'large'; correct the cell"),
        ("inf,2,a,1,True", f"row 1: {AREA}is not finite; found area = inf"),
        ("1e999,2,a,1,True", f"row 1: {AREA}is not finite; found area = inf"),
        ("1,2,q,1,True", f"row 1: {ZONE}{LEVEL}'q'; known levels: a, b"),
        ("1,2,a", f"row 1: {FLOOR}{MISSING}"),
        ('"1.5 or so",2,a,1,True', f"row 1: {AREA}{NUMBER}'1.5 or so'; correct the cell"),
    ],
)
def test_an_invalid_cell_of_csv_is_400_with_its_place(
    server: Server, rows: str, message: str
) -> None:
    status, answer = server.post(f"{HEADER}\n{rows}\n", CSV)
    assert status == 400, answer
    assert answer.splitlines()[-1].startswith(f"Error: the input: {message}")


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ({"dataframe_records": []}, JSON, "holds no row; send at least one"),
        (
            {"dataframe_split": {"columns": list(ROWS), "data": []}},
            JSON,
            "holds no row; send at least one",
        ),
        (f"{HEADER}\n", CSV, "holds no row; send at least one"),
        (
            {"inputs": 3},
            JSON,
            "must be rows of named columns; found ndarray; send dataframe_split, dataframe_records",
        ),
        # A cell too many: pandas takes the first for the row's name and would shift the others.
        (
            f"{HEADER}\n9,1,2,a,1,True\n",
            CSV,
            "must have rows without names; found 9; leave the index out",
        ),
        (
            ROWS.set_axis([7, 8, 9]).to_json(orient="split"),
            JSON,
            "must have rows without names; found 7, 8, 9; leave",
        ),
    ],
    ids=["no-records", "no-data", "header", "number", "shifted", "index"],
)
def test_what_is_no_table_is_our_error_400(
    server: Server, body: Any, kind: str, message: str
) -> None:
    if isinstance(body, str) and kind == JSON:
        body = {"dataframe_split": json.loads(body)}
    status, answer = server.post(body, kind)
    assert status == 400, answer
    assert answer.splitlines()[-1].startswith(f"Error: the input: {message}")


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("{", JSON, 400),
        ("", JSON, 400),
        (b"\xff\xfe", JSON, 400),
        ([VALID], JSON, 400),
        ({"rows": [VALID]}, JSON, 400),
        ({"dataframe_records": RECORDS, "inputs": RECORDS}, JSON, 400),
        ({"dataframe_records": VALID}, JSON, 400),
        ({"dataframe_split": {"columns": list(ROWS), "data": [[1]]}}, JSON, 400),
        ({"messages": [{"role": "user", "content": "how much?"}]}, JSON, 400),
        (json.dumps(with_cells(zone="\ud800")), JSON, 400),
        ("", CSV, 400),
        (b"\xff\xfe", CSV, 400),
        (f"{HEADER}\n1,2,a,1,True\n9,1,2,a,1,True\n", CSV, 400),
        (b"PAR1", PARQUET, 400),
        ("rows", "text/plain", 415),
    ],
)
def test_mlflow_refuses_what_it_cannot_read_before_the_model_gets_it(
    server: Server, body: Any, kind: str, status: int
) -> None:
    assert server.post(body, kind)[0] == status


def test_a_request_without_content_type_fails_in_mlflow_and_the_server_goes_on(
    server: Server,
) -> None:
    """The only 500 known: MLflow reads the header before it checks that there is one."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", "/invocations", b"{}")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (500, b"Internal Server Error")
    connection.close()
    assert server.post({"dataframe_records": RECORDS})[0] == 200
