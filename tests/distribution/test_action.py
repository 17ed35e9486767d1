"""The GitHub Action: its steps do in a small repository what they say, and linters accept it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from linreg.certificate.certificate_file import read_certificate
from tests.certificate.example import AUTHOR, make_keys
from tests.distribution.github_runner import ACTION, ROOT, SHELL, Runner
from tests.verify.repository.small_repository import SmallRepository

SCRIPTS = [each for each in ACTION["runs"]["steps"] if "run" in each]
FILES = {
    "dvc.yaml": """
        stages:
          greet:
            cmd: mkdir -p out && echo "hello $GREETING" > out/greeting.txt
            outs: [out]
    """
}
TOKEN = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://example.org"}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> SmallRepository:
    repository = SmallRepository(tmp_path_factory.mktemp("repository"), "analysis")
    repository.write(FILES)
    repository.reproduce()
    return repository


@pytest.fixture
def runner(repository: SmallRepository, tmp_path: Path) -> Runner:
    # Nothing is fetched or installed. Of NO_BUILD_ISOLATION, pip takes 0 for yes.
    pip = {"DRY_RUN": "1", "NO_BUILD_ISOLATION": "0", "NO_DEPS": "1", "NO_INDEX": "1"}
    environment = repository.project.environment()
    environment |= {f"PIP_{name}": value for name, value in pip.items()}
    inputs = {"folder": "analysis", "linreg": "linreg"}
    return Runner(repository.top, tmp_path / "temp", environment, inputs)


@pytest.mark.slow
def test_a_commit_is_verified_certified_and_attested(
    runner: Runner, repository: SmallRepository
) -> None:
    del runner.inputs["linreg"]
    runner.environment = {**runner.environment, **TOKEN}
    assert runner.run() == 0, runner.printed
    assert "Would install linreg" in runner.printed["Install linreg and what the stages need"]
    assert runner.outputs["verify"] == {
        "code": "0",
        "identical": "true",
        "certificate": str(repository.root / "certificate.json"),
    }
    statement = read_certificate(repository.root / "certificate.json").statement
    assert runner.used["actions/upload-artifact@v6"]["path"].endswith("certificate.json")
    attested = runner.used["actions/attest@v4"]
    assert attested["predicate-type"] == statement.predicate_type
    predicate = json.loads(Path(attested["predicate-path"]).read_text())
    assert predicate == statement.document()["predicate"]
    checksums = Path(attested["subject-checksums"])
    subprocess.run(["sha256sum", "--check", "--strict", checksums], cwd=repository.root, check=True)
    summary = (runner.temp / "summary.md").read_text()
    assert summary.startswith("### linreg verify: verify: every byte is the same; ")
    assert not (runner.temp / "gh.txt").exists(), "no comment without a pull request"


@pytest.mark.slow
def test_without_the_permission_nothing_is_attested_and_nothing_fails(runner: Runner) -> None:
    assert runner.run() == 0, runner.printed
    assert "::notice::nothing is attested" in runner.printed["Prepare what GitHub is to attest"]
    assert "actions/attest@v4" not in runner.used


@pytest.mark.slow
def test_differences_are_commented_and_the_job_fails(
    runner: Runner, repository: SmallRepository
) -> None:
    runner.event = "pull_request"
    runner.environment = {**runner.environment, **TOKEN, "GREETING": "somebody else"}
    assert runner.run() == 1
    assert runner.outputs["verify"] == {"code": "1", "identical": "false"}
    assert not (repository.root / "certificate.json").exists()
    words = (runner.temp / "gh.txt").read_text().split("\n")
    assert words[:4] == ["pr", "comment", "7", "--body-file"]
    comment = Path(words[4]).read_text()
    assert comment.startswith("### linreg verify: verify: NOT the same; ")
    assert "out/greeting.txt" in comment
    assert comment.endswith("\n```\n")
    assert set(runner.used) == {"actions/setup-python@v6"}
    # A branch of a fork may not comment.
    runner.environment = {**runner.environment, "GH_CODE": "1"}
    assert runner.run() == 1
    assert "::notice::no comment" in runner.printed["Comment on the pull request"]


@pytest.mark.slow
def test_the_certificate_is_signed_and_the_key_does_not_stay(
    runner: Runner, repository: SmallRepository, tmp_path: Path
) -> None:
    (tmp_path / "keys").mkdir()
    keys = make_keys(tmp_path / "keys")
    runner.inputs |= {
        "signing-key": keys.key(AUTHOR).read_text().strip(),
        "options": "--jobs 2",
        "attest": "false",
    }
    assert runner.run() == 0, runner.printed
    certificate = read_certificate(repository.root / "certificate.json")
    assert certificate.signers(keys.allowed) == [AUTHOR]
    secret = keys.key(AUTHOR).read_text().splitlines()[1]
    left = [each for each in runner.temp.rglob("*") if each.is_file()]
    assert not [each for each in left if secret in each.read_text()]
    assert "Prepare what GitHub is to attest" not in runner.printed


def test_the_workflow_gives_the_action_inputs_that_it_has() -> None:
    workflow = YAML(typ="safe").load((ROOT / ".github/workflows/verify.yml").read_text())
    *_, uses = workflow["jobs"]["verify"]["steps"]
    inputs = workflow["on"]["workflow_call"]["inputs"]
    assert set(uses["with"]) <= set(ACTION["inputs"])
    for name, value in uses["with"].items():
        context = "secrets" if name == "signing-key" else "inputs"
        assert value == f"${{{{ {context}.{name} }}}}"
        assert name == "signing-key" or inputs[name]["default"] == ACTION["inputs"][name]["default"]


@pytest.mark.slow
def test_actionlint_finds_nothing(tmp_path: Path) -> None:
    """In the workflows, and in one that uses the action."""
    _require("actionlint")
    (tmp_path / ".git").mkdir()
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    shutil.copy(ROOT / "action.yml", tmp_path)
    steps = '[{uses: actions/checkout@v6}, {uses: "./", with: {folder: analysis}}]'
    text = f"on: push\njobs:\n  verify:\n    runs-on: ubuntu-latest\n    steps: {steps}\n"
    user = tmp_path / ".github/workflows/user.yml"
    user.write_text(text)
    done = subprocess.run(["actionlint"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    # It does look at the action.
    user.write_text(text.replace("folder: analysis", "foldr: analysis"))
    done = subprocess.run(["actionlint"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert 'input "foldr" is not defined in action "Verify a DVC pipeline"' in done.stdout


@pytest.mark.parametrize("step", SCRIPTS, ids=lambda each: each["name"])
def test_shellcheck_finds_nothing_in_a_step(step: dict[str, str], tmp_path: Path) -> None:
    _require("shellcheck")
    (tmp_path / "step.sh").write_text(step["run"])
    command = ["shellcheck", "--shell", "bash", str(tmp_path / "step.sh")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert subprocess.run([SHELL[0], "-n", tmp_path / "step.sh"], check=False).returncode == 0


def _require(program: str) -> None:
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
