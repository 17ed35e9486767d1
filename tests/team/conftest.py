import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.data.fetch.servers import PROGRAMS
from tests.docs.test_pages import NOT_HERE, not_shown
from tests.project import copy_of_the_project
from tests.team.colleague import Colleague
from tests.team.page import blocks, examples
from tests.team.servers import Servers, team_servers

SERVER = "The MLflow server"


@dataclass
class Team:
    """Two colleagues, their servers, and what docs/team.md has had them do.

    wrong  what a command has printed otherwise than the page shows
    """

    servers: Servers
    origin: Path
    ann: Colleague
    ben: Colleague
    wrong: list[str] = field(default_factory=list)
    run_id: str = ""

    def newcomer(self, home: Path) -> Colleague:
        """Return somebody with a fresh clone and Ben's login."""
        someone = Colleague(home, self.servers.bucket)
        (home / "shell").write_text((self.ben.home / "shell").read_text())
        someone.run(f"git clone -q {self.origin} linreg && cd linreg")
        return someone

    def follow(self, who: Colleague, block: str) -> None:
        """Run the commands of a block of the page."""
        own = block if who is self.ann else block.replace("=ann", "=ben").replace("=ANNS", "=BENS")
        text = self.servers.with_addresses(own)
        text = text.replace("https://git.example.org/team/linreg.git", str(self.origin))
        for command, shown in examples(text):
            if NOT_HERE.match(command):
                continue
            if "RUN_ID" in command:
                found = who.run("linreg runs --mlflow").stdout.splitlines()[-1]
                self.run_id = found.split()[0]
            done = who.run(command.replace("RUN_ID", self.run_id))
            self.wrong += not_shown(shown.replace("RUN_ID", "…"), done.stdout, command)


@pytest.fixture(scope="session")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """A team that has done what the page says, up to where Ben goes on from Ann's results."""
    if shutil.which("initdb", path=PROGRAMS) is None:
        pytest.skip("PostgreSQL is not installed")
    for name in ("boto3", "dvc_s3", "flask_wtf", "moto", "psycopg"):
        pytest.importorskip(name)
    top = tmp_path_factory.mktemp("team")
    origin = top / "linreg.git"
    seed = copy_of_the_project(top / "seed")
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(origin)], check=True)
    seed.run("git", "push", "-q", str(origin), "main")
    serve, logins = blocks(SERVER, "bash")
    (folder := top / "server").mkdir()
    with team_servers(folder, serve) as servers:
        ann = Colleague(top / "ann", servers.bucket)
        team = Team(servers, origin, ann, Colleague(top / "ben", servers.bucket))
        done = subprocess.run(
            ["bash", "-e", "-c", servers.with_addresses(logins)],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.count('"is_admin":false') == 2, done.stdout
        everyone, once = blocks("A clone for each", "console")
        for who in (ann, team.ben):
            team.follow(who, everyone)
        team.follow(ann, once)
        team.follow(ann, *blocks("Ann fits a model", "console"))
        team.follow(team.ben, *blocks("Ben goes on from there", "console"))
        yield team
