"""Two hosts: network namespaces with a cable between them, each with a torchrun of its own, and one
folder.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project import copy_of_the_project

STAGES = ("generate", "ingest", "split", "train", "evaluate")
HOSTS = {"linreg-a": "10.77.0.1", "linreg-b": "10.77.0.2"}
PORT = "29517"


def ip(*words: str) -> bool:
    return subprocess.run(["ip", *words], capture_output=True, check=False).returncode == 0


@pytest.fixture
def hosts() -> Iterator[dict[str, str]]:
    """Two hosts that see each other and nothing else."""
    first, second = HOSTS
    if shutil.which("ip") is None or not ip("netns", "add", first):
        pytest.skip("network namespaces take the program ip and the rights of root")
    try:
        assert ip("netns", "add", second)
        assert ip(
            "link",
            "add",
            "cable",
            "netns",
            first,
            "type",
            "veth",
            "peer",
            "name",
            "cable",
            "netns",
            second,
        )
        for host, address in HOSTS.items():
            assert ip("-n", host, "address", "add", f"{address}/24", "dev", "cable")
            assert ip("-n", host, "link", "set", "cable", "up")
            assert ip("-n", host, "link", "set", "lo", "up")
        yield HOSTS
    finally:
        for host in HOSTS:
            ip("netns", "delete", host)


@pytest.mark.very_slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", ["compiled", "autograd"])
def test_two_hosts_make_the_lock_file_of_one_process(
    tmp_path: Path, hosts: dict[str, str], engine: str
) -> None:
    project = copy_of_the_project(tmp_path, sends=False)
    project.set_params(rows=4000, shards=4, epochs=2, engine=engine)
    project.run("dvc", "repro")
    expected = (tmp_path / "dvc.lock").read_text()
    for output in ("data/raw", "data/ingested", "data/split", "models/model", "models/training"):
        shutil.rmtree(tmp_path / output)

    first = next(iter(hosts.values()))
    program = [str(Path(sys.executable).with_name("torchrun"))]
    program += ["--nnodes", "2", "--nproc-per-node", "1"]
    program += ["--master-addr", first, "--master-port", PORT]
    environment = project.environment()
    environment |= {"GLOO_SOCKET_IFNAME": "cable", "STAGES": " ".join(STAGES)}
    program += ["-m", "linreg.verify.run_stages"]
    nodes = [
        subprocess.Popen(
            ["ip", "netns", "exec", host, *program],
            cwd=tmp_path,
            env=environment | {"PET_NODE_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank, host in enumerate(hosts)
    ]
    printed = [node.communicate()[0] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], printed
    project.run("dvc", "commit", "--force")
    assert (tmp_path / "dvc.lock").read_text() == expected
