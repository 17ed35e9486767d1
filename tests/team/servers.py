"""The servers of a team, on this machine: PostgreSQL, a bucket, and MLflow with logins on both."""

import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.data.fetch.servers import PASSWORD, Postgresql, postgresql
from tests.faults.servers.mlflow_server import Server, free_port

BUCKET = "team"
ADMIN_PASSWORD = "the admin's password"  # noqa: S105 - of a server that lives for a test
ANNS_PASSWORD = "correct-horse-battery-staple"  # noqa: S105
BENS_PASSWORD = "another/horse?battery=staple"  # noqa: S105
SECRETS = {"KEY": "a-key", "SECRET": "a-secret", "REGION": "us-east-1", "RANDOM": "at random"}


@dataclass(frozen=True)
class Servers:
    """What a team shares.

    bucket  the variables with which programs find the server of the bucket
    """

    bucket: Mapping[str, str]
    database: Postgresql
    mlflow: Server

    def with_addresses(self, text: str) -> str:
        """Return commands of docs/team.md with the addresses and secrets of these servers."""
        login = f"analyst:{quote(PASSWORD, safe='')}@127.0.0.1:{self.database.port}/postgres"
        for shown, actual in {
            "https://mlflow.example.org": self.mlflow.url,
            "--host 0.0.0.0 --allowed-hosts mlflow.example.org": f"--port {self.mlflow.port}",
            # In a file of this kind a % is doubled.
            "uri = postgresql://mlflow:PASSWORD@db.example.org/mlflow": "uri = postgresql://"
            + login.replace("%", "%%"),
            "mlflow:PASSWORD@db.example.org/mlflow": login,
            "admin:ADMIN_PASSWORD": shlex.quote(f"admin:{ADMIN_PASSWORD}"),
            "=ADMIN_PASSWORD": f"={shlex.quote(ADMIN_PASSWORD)}",
            "ANNS_PASSWORD": ANNS_PASSWORD,
            "BENS_PASSWORD": BENS_PASSWORD,
        }.items():
            text = text.replace(shown, actual)
        for name, value in SECRETS.items():
            text = re.sub(rf"={name}\b", f"={shlex.quote(value)}", text)
        return text


@contextmanager
def team_servers(folder: Path, commands: str) -> Iterator[Servers]:
    """Run the servers; `commands` of docs/team.md start that of MLflow in a folder."""
    moto = pytest.importorskip("moto.server")
    bucket = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    bucket.start()
    host, port = bucket.get_host_and_port()
    address = {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_EC2_METADATA_DISABLED": "true"}
    client = pytest.importorskip("boto3").client(
        "s3",
        endpoint_url=address["AWS_ENDPOINT_URL"],
        aws_access_key_id=SECRETS["KEY"],
        aws_secret_access_key=SECRETS["SECRET"],
        region_name=SECRETS["REGION"],
    )
    client.create_bucket(Bucket=BUCKET)
    script = folder / "serve.sh"
    environment = address | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        # One worker process and none for jobs starts sooner.
        "MLFLOW_WORKERS": "1",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    try:
        with postgresql() as database:
            command = ["bash", "-e", str(script)]
            mlflow = Server(command, free_port(), environment, folder)
            servers = Servers(address, database, mlflow)
            script.write_text(f"cd '{folder}'\n{servers.with_addresses(commands)}")
            try:
                mlflow.start()
                yield servers
            finally:
                mlflow.kill()
    finally:
        bucket.stop()
