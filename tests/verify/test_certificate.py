"""`linreg verify --certificate` and `--countersign` in small repositories, and `linreg check`."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from linreg.certificate.certificate_file import read_certificate
from tests.certificate.example import AUTHOR, REFEREE, Keys, make_keys
from tests.project import Project
from tests.verify.repository.kinds_of_data import KINDS_OF_DATA
from tests.verify.repository.kinds_of_stages import KINDS_OF_STAGES
from tests.verify.repository.small_repository import SmallRepository

FILES = {
    "params.yaml": "factor: 2.5\nnames: [a, b]\nunused: 1\n",
    "numbers.txt": "3 4 5\n",
    "dvc.yaml": """
        stages:
          lines:
            cmd:
              - mkdir -p out && tr ' ' '\\n' < numbers.txt > out/lines.txt
              - ls out > out/names.txt
            deps: [numbers.txt]
            params: [factor, names]
            outs: [out]
          greet:
            cmd: echo "hello $GREETING $(cat out/lines.txt)" > greeting.txt
            deps: [out]
            outs:
              - greeting.txt:
                  cache: false
    """,
}
KINDS = KINDS_OF_STAGES | KINDS_OF_DATA
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("keys"))


def reproduced(top: Path) -> SmallRepository:
    repository = SmallRepository(top, "analysis")
    repository.write(FILES)
    repository.reproduce()
    return repository


@pytest.fixture
def repository(tmp_path: Path) -> SmallRepository:
    return reproduced(tmp_path / "repository")


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> SmallRepository:
    return reproduced(tmp_path_factory.mktemp("unchanged"))


def recorded_hashes(repository: SmallRepository) -> dict[str, str]:
    lock = YAML(typ="safe").load((repository.root / "dvc.lock").read_text())
    entries = [each for stage in lock["stages"].values() for each in stage["outs"]]
    return {each["path"]: each["md5"] for each in entries}


def check(repository: SmallRepository, *arguments: str) -> subprocess.CompletedProcess[str]:
    return repository.project.run("linreg", "check", *arguments, check=False)


def test_a_certificate_says_what_was_executed(unchanged: SmallRepository, tmp_path: Path) -> None:
    repository = unchanged
    path = tmp_path / "certificate.json"
    printed = repository.verify("--certificate", str(path))
    assert f"certificate: {path}, not signed" in printed
    document: dict[str, Any] = json.loads(path.read_text())
    subjects = {each["name"]: each["digest"] for each in document["subject"]}
    assert {
        name: f"{digest['dvcDirMd5']}.dir" if "dvcDirMd5" in digest else digest["md5"]
        for name, digest in subjects.items()
        if not name.startswith("out/")
    } == recorded_hashes(repository)
    assert set(subjects) == {"out", "out/lines.txt", "out/names.txt", "greeting.txt"}

    predicate = document["predicate"]
    commit, tree = repository.run("git", "log", "-1", "--format=%H %T").split()
    source = {"digest": {"gitCommit": commit, "gitTree": tree}, "folder": "analysis"}
    assert predicate["source"] == source
    assert [each["name"] for each in predicate["locks"]] == ["dvc.lock"]
    assert [each["name"] for each in predicate["inputs"]] == ["numbers.txt"]
    assert predicate["stages"][0] == {
        "name": "lines",
        "outputs": ["out"],
        "parameters": {"params.yaml": {"factor": 2.5, "names": ["a", "b"]}},
    }
    assert [each["verdict"] for each in predicate["executions"]] == ["identical"]
    assert predicate["versions"].keys() == {"dvc", "git", "linreg"}
    assert predicate["environment"]["libraries"]["dvc"] == predicate["versions"]["dvc"]
    assert str(repository.top.parent) not in path.read_text(), "no path of this machine"
    assert check(repository, str(path)).returncode == 0


def test_of_outputs_that_differ_there_is_no_certificate(
    repository: SmallRepository, tmp_path: Path
) -> None:
    repository.fabricate("greet", "greeting.txt", "goodbye\n")
    path = tmp_path / "certificate.json"
    printed = repository.verify("--certificate", str(path), code=1)
    assert "certificate: none is written of outputs that differ" in printed
    assert not path.exists()


def test_a_second_person_executes_and_signs_the_same_commit(
    repository: SmallRepository, tmp_path: Path, keys: Keys
) -> None:
    path = tmp_path / "certificate.intoto.jsonl"
    sign = ("--certificate", str(path), "--sign", str(keys.key(AUTHOR)))
    assert f"certificate: {path}, signed by SHA256:" in repository.verify(*sign)
    first = path.read_bytes()
    countersign = ("--countersign", str(path), "--sign", str(keys.key(REFEREE)))

    # Where something that the stages do not declare is another one, nothing is signed.
    elsewhere = {"GREETING": "good morning"}
    done = repository.project.run("linreg", "verify", *countersign, check=False, env=elsewhere)
    assert done.returncode == 1
    assert "certificate: none is written of outputs that differ" in done.stdout
    assert path.read_bytes() == first

    # The commit is that of the certificate, whatever has happened since.
    repository.write({"numbers.txt": "6 7\n"})
    repository.reproduce()
    assert "countersigned by SHA256:" in repository.verify(*countersign)
    certificate = read_certificate(path)
    assert certificate.signers(keys.allowed) == [AUTHOR, REFEREE]
    assert path.read_bytes().startswith(first)
    later = check(repository, str(path), "--allowed-signers", str(keys.allowed))
    assert later.returncode == 1
    assert "out/lines.txt: recorded SHA-256" in later.stdout
    assert "dvc.lock: not that of the certified commit" in later.stdout
    repository.run("git", "checkout", "-q", "HEAD~1")
    repository.run("dvc", "checkout", "-q")
    then = check(repository, str(path), "--signer", REFEREE, "--allowed-signers", str(keys.allowed))
    assert (then.returncode, then.stderr) == (0, "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--sign", "KEY"), "--sign: signs a certificate; add --certificate FILE"),
        (("--certificate", "c.json", "--sign", "nothing"), "nothing: there is no such key"),
        (("--countersign", "c.json"), "--countersign: needs a key; add --sign KEY"),
        (("--countersign", "c.json", "--sign", "KEY"), "c.json: there is no such file"),
        (("HEAD", "--countersign", "c.json", "--sign", "KEY"), "executes the commit of FILE"),
        (("--certificate", "c.json", "-S", "a.b=1"), "--set: changes what is executed"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_options_that_do_not_fit_are_refused_before_anything_is_executed(
    unchanged: SmallRepository, keys: Keys, options: tuple[str, ...], message: str
) -> None:
    given = [str(keys.key(AUTHOR)) if each == "KEY" else each for each in options]
    done = unchanged.project.run("linreg", "verify", *given, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_what_no_commit_has_is_not_certified(tmp_path: Path) -> None:
    repository = SmallRepository(tmp_path / "repository")
    repository.write(FILES)
    repository.run("dvc", "repro", "-q")
    project: Project = repository.project
    done = project.run("linreg", "verify", "--certificate", "c.json", check=False)
    assert done.returncode == 2
    assert "--certificate: is of a commit; commit dvc.lock first" in done.stderr


@pytest.mark.very_slow
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_repository_can_be_certified(name: str, tmp_path: Path) -> None:
    repository = KINDS[name].build(tmp_path / "repository")
    path = tmp_path / "certificate.json"
    repository.verify("--certificate", str(path))
    certificate = read_certificate(path)
    assert {each.name for each in certificate.statement.predicate.stages} == {
        stage for stage in KINDS[name].stages if KINDS[name].verdicts.get(stage) != "taken as input"
    }
    done = check(repository, str(path), str(repository.root))
    assert done.returncode == 0, done.stdout
