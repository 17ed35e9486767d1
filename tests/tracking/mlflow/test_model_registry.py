"""The registry in a real SQLite store, with logged models that hold no more than they need."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput
from mlflow.exceptions import MlflowException

from linreg.errors import UserError
from linreg.files import content_hash
from linreg.tracking.audit_log import CHALLENGER, CHAMPION, REFUSED, Decision
from linreg.tracking.mlflow.model_registry import Registry, challenges_of

MLMODEL = "flavors:\n  python_function:\n    data: data/model\n"
NAME = "linreg"


@pytest.fixture
def registry(store: MlflowClient) -> Registry:
    return Registry(NAME, store)


@pytest.fixture
def run_id(store: MlflowClient, repository: Path) -> str:
    """A run whose artifacts are in the project."""
    experiment = store.create_experiment("e", artifact_location=(repository / "a").as_uri())
    return str(store.create_run(experiment).info.run_id)


@pytest.fixture
def logged(store: MlflowClient, run_id: str, tmp_path: Path) -> Callable[..., tuple[str, str]]:
    """Logs a model of the run; returns its id and the MD5 of its artifact."""

    def logged(text: str, name: str = "model.json") -> tuple[str, str]:
        run = store.get_run(run_id)
        model_id = str(store.create_logged_model(run.info.experiment_id, "m", run_id).model_id)
        folder = tmp_path / model_id
        (folder / "data/model").mkdir(parents=True)
        (folder / "data/model" / name).write_text(text)
        (folder / "MLmodel").write_text(MLMODEL)
        store.log_model_artifacts(model_id, str(folder))
        store.finalize_logged_model(model_id, "READY")
        store.log_outputs(run_id, [LoggedModelOutput(model_id, 0)])
        return model_id, content_hash(folder / "data/model")

    return logged


@pytest.fixture
def version(registry: Registry, store: MlflowClient, tmp_path: Path) -> Callable[..., int]:
    """Creates a version with tags, of no logged model."""

    def version(**tags: str) -> int:
        if not store.search_registered_models(f"name = '{NAME}'"):
            store.create_registered_model(NAME)
        return int(store.create_model_version(NAME, tmp_path.as_uri(), None, tags).version)

    return version


def a_decision(decision: str, second: int = 0, **more: object) -> Decision:
    time = f"2026-01-01T00:00:{second:02}.000000Z"
    return Decision(NAME, decision, "why", "store", time=time, **more)  # type: ignore[arg-type]


def audit_log(repository: Path) -> list[Decision]:
    file = repository / "registry-log.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    return [Decision(**json.loads(line)) for line in lines]


def decisions(tags: dict[str, str]) -> list[Decision]:
    return [
        Decision(**json.loads(text))
        for name, text in sorted(tags.items())
        if name.startswith("decision.")
    ]


def aliases(store: MlflowClient) -> dict[str, int]:
    found = store.get_registered_model(NAME).aliases
    return {alias: int(number) for alias, number in found.items()}


def test_where_there_is_no_store_the_registry_is_empty_and_none_is_created(
    repository: Path,
) -> None:
    registry = Registry.open(NAME, create=False)
    assert registry.client is None
    assert (registry.champion(), registry.with_model("h"), registry.unfinished()) == (
        None,
        None,
        [],
    )
    assert list(repository.iterdir()) == []


def test_a_store_that_is_there_is_connected_to_whether_or_not_one_may_be_created(
    store: MlflowClient,
) -> None:
    assert all(Registry.open(NAME, create=create).client is not None for create in (True, False))


def test_a_store_that_is_not_the_projects_own_is_connected_to_without_a_local_database(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    with pytest.raises(MlflowException):
        Registry.open(NAME, create=False)
    assert Registry(NAME, None).store == "http://127.0.0.1:9"


def test_the_champion_is_the_version_with_that_alias(
    registry: Registry, store: MlflowClient, version: Callable[..., int]
) -> None:
    assert registry.champion() is None
    version(), version()
    assert registry.champion() is None
    store.set_registered_model_alias(NAME, "champion", "1")
    champion = registry.champion()
    assert champion is not None
    assert int(champion.version) == 1


def test_what_mlflow_refuses_is_not_taken_for_nothing(store: MlflowClient) -> None:
    with pytest.raises(MlflowException):
        Registry("", store).champion()
    with pytest.raises(MlflowException):
        Registry("", store).version(1)
    with pytest.raises(MlflowException):
        Registry("", store).record(a_decision(REFUSED))


def test_a_version_is_found_by_its_number(registry: Registry, version: Callable[..., int]) -> None:
    version(), version()
    assert int(registry.version(2).version) == 2
    with pytest.raises(UserError, match=r"^linreg version 3: is not in the registry; found sqlite"):
        registry.version(3)


def test_of_the_versions_with_a_model_the_first_is_found(
    registry: Registry, version: Callable[..., int]
) -> None:
    for number in range(1, 12):
        version(**{"linreg.model": "ab" if number in (9, 10, 11) else "cd"})
    found = registry.with_model("ab")
    assert found is not None
    assert int(found.version) == 9
    assert registry.with_model("ef") is None


def test_a_version_has_its_run_its_model_its_description_tags_and_decision(
    registry: Registry,
    store: MlflowClient,
    run_id: str,
    logged: Callable[..., tuple[str, str]],
    repository: Path,
) -> None:
    model_id, _ = logged("{}")
    decision = a_decision(CHAMPION)
    assert registry.add(model_id, run_id, "a card", {"b": "1"}, decision) == 1
    version = store.get_model_version(NAME, "1")
    assert (version.run_id, version.source) == (run_id, f"models:/{model_id}")
    assert (version.description, version.tags["b"]) == ("a card", "1")
    assert decisions(version.tags) == audit_log(repository) == [replace(decision, version=1)]
    assert aliases(store) == {"challenger": 1, "champion": 1}
    assert registry.unfinished() == []


def test_a_challenger_leaves_the_champion_where_it_is(
    registry: Registry,
    store: MlflowClient,
    run_id: str,
    logged: Callable[..., tuple[str, str]],
    repository: Path,
) -> None:
    model_id, _ = logged("{}")
    for number, name in enumerate((CHAMPION, CHALLENGER), 1):
        assert registry.add(model_id, run_id, "", {}, a_decision(name, number)) == number
    assert aliases(store) == {"challenger": 2, "champion": 1}
    assert [each.version for each in audit_log(repository)] == [1, 2]


def test_what_was_killed_half_way_is_found_oldest_first_and_completed(
    registry: Registry, store: MlflowClient, version: Callable[..., int], repository: Path
) -> None:
    later, earlier, done = (a_decision(CHAMPION, second) for second in (5, 3, 1))
    version(**{f"decision.{later.time}": later.line(), "other": "x"})
    version(**{f"decision.{earlier.time}": earlier.line()})
    version(**{f"decision.{done.time}": replace(done, version=3).line()})
    unfinished = registry.unfinished()
    assert [(int(version.version), decision) for version, decision in unfinished] == [
        (2, earlier),
        (1, later),
    ]
    for each in unfinished:
        registry.complete(*each)
    assert registry.unfinished() == []
    assert aliases(store) == {"challenger": 1, "champion": 1}
    assert audit_log(repository) == [replace(earlier, version=2), replace(later, version=1)]


def test_a_damaged_decision_is_an_error_that_names_its_version_and_tag(
    registry: Registry, version: Callable[..., int]
) -> None:
    version(**{"decision.2026": '{"name": "linreg"}'})
    with pytest.raises(UserError, match=r"^linreg version 1: tag decision\.2026: is damaged; "):
        registry.unfinished()


def test_a_promoted_version_is_the_champion_and_no_challenger(
    registry: Registry, store: MlflowClient, version: Callable[..., int], repository: Path
) -> None:
    version(), version()
    decision = a_decision("promoted by hand", version=2)
    registry.promote(decision)
    assert aliases(store) == {"champion": 2}
    assert audit_log(repository) == [decision]
    assert decisions(registry.version(2).tags) == [decision]


def test_a_decision_about_no_version_is_a_tag_of_the_model_and_else_of_its_version(
    registry: Registry, store: MlflowClient, version: Callable[..., int], repository: Path
) -> None:
    of_none = a_decision(REFUSED, 1)
    registry.record(of_none)
    version()
    of_one = a_decision(REFUSED, 2, version=1)
    registry.record(of_one)
    assert audit_log(repository) == [of_none, of_one]
    assert decisions(store.get_registered_model(NAME).tags) == [of_none]
    assert decisions(registry.version(1).tags) == [of_one]
    assert aliases(store) == {}


def test_the_model_of_a_run_with_an_md5_is_found_and_downloaded(
    registry: Registry, run_id: str, logged: Callable[..., tuple[str, str]], tmp_path: Path
) -> None:
    for number, (model_id, md5) in enumerate([logged("1"), logged("2"), logged("3")], 1):
        found, artifact = registry.model_of_run(run_id, md5, tmp_path / md5 / "here")
        assert (found, (artifact / "model.json").read_text()) == (model_id, str(number))
        assert artifact.is_relative_to(tmp_path / md5 / "here")
    with pytest.raises(UserError, match=rf"^run {run_id}: has no model with that MD5 in MLflow; "):
        registry.model_of_run(run_id, "77", tmp_path / "77")


def test_a_run_without_a_model_has_none(registry: Registry, run_id: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no model with that MD5 in MLflow; found 77; run "):
        registry.model_of_run(run_id, "77", tmp_path / "77")


def test_the_artifact_of_a_version_is_downloaded_into_a_new_or_an_old_folder(
    registry: Registry, run_id: str, logged: Callable[..., tuple[str, str]], tmp_path: Path
) -> None:
    model_id, md5 = logged("{}")
    registry.add(model_id, run_id, "", {}, a_decision(CHALLENGER))
    (tmp_path / "old").mkdir()
    for folder in ("a/new/folder", "old"):
        artifact = registry.artifact(registry.version(1), tmp_path / folder)
        assert content_hash(artifact) == md5


def test_a_version_without_an_artifact_of_ours_is_an_error_that_names_it(
    registry: Registry,
    run_id: str,
    version: Callable[..., int],
    logged: Callable[..., tuple[str, str]],
    tmp_path: Path,
) -> None:
    version()
    with pytest.raises(UserError, match=r"^linreg version 1: holds no model artifact of this pipe"):
        registry.artifact(registry.version(1), tmp_path / "1")
    model_id, _ = logged("{}", "another.json")
    registry.add(model_id, run_id, "", {}, a_decision(CHALLENGER))
    with pytest.raises(UserError, match=r"^linreg version 2: is no model of linreg"):
        registry.artifact(registry.version(2), tmp_path / "2")


def test_a_champion_counts_its_challenges_also_those_of_challengers_that_were_deleted(
    registry: Registry, store: MlflowClient, run_id: str, logged: Callable[..., tuple[str, str]]
) -> None:
    model_id, _ = logged("{}")
    registry.add(model_id, run_id, "", {}, a_decision(CHAMPION))
    for number in (1, 2):
        champion = registry.version(1)
        assert challenges_of(champion) == number - 1
        compared = a_decision(CHALLENGER, number, champion=1, comparison={"challenge": number})
        registry.add(model_id, run_id, "", {}, compared)
        store.delete_model_version(NAME, str(number + 1))
    # One that could not be compared is no challenge.
    registry.add(model_id, run_id, "", {}, a_decision(CHALLENGER, 3, champion=1))
    assert challenges_of(registry.version(1)) == 2
    # A killed command is completed, and counts once.
    late = a_decision(CHALLENGER, 4, champion=1, comparison={"challenge": 2})
    for _ in range(2):
        registry.complete(registry.version(4), late)
    assert challenges_of(registry.version(1)) == 2
    # The champion that it was compared with may be gone.
    store.delete_model_version(NAME, "1")
    registry.complete(registry.version(4), late)
