"""`linreg verify` in repositories of other kinds than our own, made by git and DVC themselves."""

from pathlib import Path

import pytest

from tests.verify.repository.kind import Kind
from tests.verify.repository.kinds_of_data import KINDS_OF_DATA
from tests.verify.repository.kinds_of_stages import KINDS_OF_STAGES

KINDS = KINDS_OF_STAGES | KINDS_OF_DATA


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.mark.slow
def test_what_is_deterministic_is_identical_and_a_fabricated_hash_is_found(
    kind: Kind, tmp_path: Path
) -> None:
    repository = kind.build(tmp_path / "repository")
    found = {name: each["verdict"] for name, each in repository.verdicts("--jobs", "2").items()}
    assert found == dict.fromkeys(kind.stages, "identical") | dict(kind.verdicts)
    assert repository.run("git", "status", "--porcelain", ":/") == ""
    repository.fabricate(kind.stage, kind.output, kind.fabricated, member=kind.member)
    results = repository.verdicts(code=1)
    (different,) = (each for each in results.values() if each["verdict"] == "different")
    assert different["stage"] == kind.stage
    (output,) = (each for each in different["outputs"] if not each["same"])
    assert output["path"] == kind.output
    assert output["difference"].startswith(kind.words)


@pytest.mark.very_slow
def test_what_is_not_deterministic_is_named_by_stage_file_and_place(
    kind: Kind, tmp_path: Path
) -> None:
    repository = kind.build(tmp_path / "repository", noisy=True)
    results = repository.verdicts(code=1)
    different = {name for name, each in results.items() if each["verdict"] == "different"}
    # All that differs behind it has run on what this stage has written.
    behind = {name for name in different if kind.output in results[name]["changed_inputs"]}
    of_this_name = {name for name in different if name.split("@")[0] == kind.stage.split("@")[0]}
    assert kind.stage in different
    assert different == behind | of_this_name
    (output,) = (each for each in results[kind.stage]["outputs"] if not each["same"])
    assert output["path"] == kind.output
    file = f"{kind.output}/{kind.member}".removesuffix("/")
    assert output["difference"].startswith(f"{file}: ")
    assert " became " in output["difference"]
