"""The MLflow model registry: a registered model's versions, aliases, and decisions as tags.

A version is made from the logged model of its run, so that MLflow links run and version both ways.
What MLflow raises is among the TRACKING_ERRORS of linreg.tracking.mlflow.store_errors.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, RESOURCE_DOES_NOT_EXIST, ErrorCode

from linreg.errors import UserError
from linreg.files import content_hash
from linreg.tracking.audit_log import CHALLENGER, CHAMPION, Decision, append_decision
from linreg.tracking.journal.store_location import (
    is_missing,
    redact_credentials,
    registry_uri,
    tracking_uri,
)
from linreg.tracking.mlflow.fetch_model import plain_artifact
from linreg.tracking.mlflow.send import mark_deleted
from linreg.tracking.mlflow.store import open_store, require_answer

HASH_TAG = "linreg.model"
"""The tag of a version with the MD5 of its model, as in dvc.lock."""
DECISION_PREFIX = "decision."
"""The beginning of the tags that hold a decision each, as a line of the audit log does."""
CHALLENGES_TAG = "linreg.challenges"
"""The tag of a champion with the number of models that have been compared with it.

It counts a challenger that is deleted later, too.
"""
CERTIFICATE_FOLDER = "certificate"
"""The artifact of a run with the certificates of its model."""
_BY_ID = "models:/"
Version: TypeAlias = ModelVersion


@dataclass(frozen=True)
class Registry:
    """A registered model by its name, whether it exists or not.

    client  None where there is no store yet
    """

    name: str
    client: MlflowClient | None

    @classmethod
    def open(cls, name: str, *, create: bool = True) -> "Registry":
        """Connect to the store.

        create  whether to create the project's own store if there is none yet
        """
        if not create and (is_missing(tracking_uri()) or is_missing(registry_uri())):
            return cls(name, None)
        client = open_store(create=create)
        if registry_uri() != tracking_uri():
            require_answer(registry_uri())
        return cls(name, client)

    @property
    def store(self) -> str:
        """The URI of the store, without credentials."""
        return redact_credentials(registry_uri())

    def champion(self) -> Version | None:
        """Return the version with the alias `champion`; None where no version has it."""
        if self.client is None:
            return None
        try:
            number = self.client.get_registered_model(self.name).aliases.get(CHAMPION)
        except MlflowException as error:
            _reraise_unless(error, RESOURCE_DOES_NOT_EXIST)
            return None
        return None if number is None else self.client.get_model_version(self.name, number)

    def version(self, number: int) -> Version:
        """Return a version; raises UserError when there is none with that number."""
        try:
            return self._connected.get_model_version(self.name, str(number))
        except MlflowException as error:
            _reraise_unless(error, RESOURCE_DOES_NOT_EXIST)
            raise UserError(
                f"{self.name} version {number}",
                "is not in the registry",
                found=self.store,
                todo="`linreg ui` shows which versions there are",
            ) from None

    def with_model(self, model_hash: str) -> Version | None:
        """Return the version that holds the model with this MD5."""
        if self.client is None:
            return None
        query = f"name = '{self.name}' and tags.`{HASH_TAG}` = '{model_hash}'"
        found = self.client.search_model_versions(query)
        return min(found, key=lambda version: int(version.version), default=None)

    def artifact(self, version: Version, folder: Path) -> Path:
        """Download a version's plain artifact into a folder; raises UserError when it has none."""
        try:
            location = self._connected.get_model_version_download_uri(self.name, version.version)
            return _plain_artifact(location, folder, f"{self.name} version {version.version}")
        except (MlflowException, OSError) as error:
            raise UserError(
                f"{self.name} version {version.version}",
                "holds no model artifact of this pipeline",
                found=error,
            ) from None

    def model_of_run(self, run_id: str, model_hash: str, folder: Path) -> tuple[str, Path]:
        """Return the id and the plain artifact of the model with this MD5 that a run has logged.

        folder  where the artifact is downloaded to

        Raises UserError when the run has none.
        """
        run = self._connected.get_run(run_id)
        if run.info.lifecycle_stage == "deleted":
            # So that the next run of this model is another one.
            mark_deleted(run)
            raise UserError(
                f"run {run_id}",
                "was deleted in MLflow",
                todo="restore it there, or run `dvc repro --force --single-item evaluate`, which"
                " logs another",
            )
        outputs = run.outputs.model_outputs if run.outputs else []
        for number, output in reversed(list(enumerate(outputs))):
            location = self._connected.get_logged_model(output.model_id).artifact_location
            artifact = _plain_artifact(location, folder / str(number), f"model {output.model_id}")
            if content_hash(artifact) == model_hash:
                return output.model_id, artifact
        raise UserError(
            f"run {run_id}",
            "has no model with that MD5 in MLflow",
            found=model_hash,
            todo="run `linreg sync --all`, which sends what MLflow has lost",
        )

    def add(
        self,
        model_id: str,
        run_id: str,
        description: str,
        tags: Mapping[str, str],
        decision: Decision,
    ) -> int:
        """Create a version of a logged model, as was decided; returns its number.

        The version is created together with the decision as a tag, so that the next command can
        complete what was interrupted.
        """
        self._create_model()
        version = self._connected.create_model_version(
            self.name,
            f"{_BY_ID}{model_id}",
            run_id,
            dict(tags) | {_tag(decision): decision.line()},
            description=description,
            model_id=model_id,
        )
        self.complete(version, decision)
        return int(version.version)

    def keep_certificate(self, run_id: str, certificate: Path) -> None:
        """Upload a certificate as an artifact of the run whose model it is of."""
        self._connected.log_artifact(run_id, str(certificate), CERTIFICATE_FOLDER)

    def extend(self, version: Version, tags: Mapping[str, str], paragraph: str) -> None:
        """Add tags to a version, and a paragraph to its page, unless that has it already."""
        for name, value in tags.items():
            self._connected.set_model_version_tag(self.name, version.version, name, value)
        page = version.description or ""
        if paragraph not in page:
            page = f"{page}\n\n{paragraph}".strip()
            self._connected.update_model_version(self.name, version.version, page)

    def unfinished(self) -> list[tuple[Version, Decision]]:
        """Return the versions and decisions whose command was killed half way, oldest first."""
        if self.client is None:
            return []
        versions = self.client.search_model_versions(f"name = '{self.name}'")
        found = [(version, decision) for version in versions for decision in _decisions(version)]
        return sorted(
            (each for each in found if each[1].version is None), key=lambda each: each[1].time
        )

    def complete(self, version: Version, decision: Decision) -> None:
        """Set the aliases that were decided, and append the decision to the audit log."""
        self._connected.set_registered_model_alias(self.name, CHALLENGER, version.version)
        if decision.decision == CHAMPION:
            self._connected.set_registered_model_alias(self.name, CHAMPION, version.version)
        self._count_challenge(decision)
        decision = replace(decision, version=int(version.version))
        append_decision(decision)
        self._set_tag(decision)

    def promote(self, decision: Decision) -> None:
        """Make the decision's version the champion."""
        self._set_tag(decision)
        self._connected.set_registered_model_alias(self.name, CHAMPION, str(decision.version))
        append_decision(decision)

    def record(self, decision: Decision) -> None:
        """Record a decision that changes nothing in the audit log and the registry."""
        append_decision(decision)
        self._create_model()
        self._set_tag(decision)

    @property
    def _connected(self) -> MlflowClient:
        assert self.client is not None, "nothing is written to a registry without a store"
        return self.client

    def _set_tag(self, decision: Decision) -> None:
        """Set a decision as a tag of the version that it is about, or else of the model."""
        if decision.version is None:
            self._connected.set_registered_model_tag(self.name, _tag(decision), decision.line())
        else:
            self._connected.set_model_version_tag(
                self.name, str(decision.version), _tag(decision), decision.line()
            )

    def _count_challenge(self, decision: Decision) -> None:
        """Set the number of a decision's challenge as a tag of the champion that it was against."""
        if decision.comparison is None or decision.champion is None:
            return
        try:
            champion = self.version(decision.champion)
        except UserError:
            # It was deleted since, and is never challenged again.
            return
        # A decision that is completed late may not be the last.
        number = max(challenges_of(champion), decision.comparison.get("challenge", 0))
        self._connected.set_model_version_tag(
            self.name, champion.version, CHALLENGES_TAG, str(number)
        )

    def _create_model(self) -> None:
        try:
            self._connected.create_registered_model(self.name)
        except MlflowException as error:
            _reraise_unless(error, RESOURCE_ALREADY_EXISTS)


def challenges_of(champion: Version) -> int:
    """Return the number of models that have been compared with a version."""
    return int(champion.tags.get(CHALLENGES_TAG, 0))


def _plain_artifact(location: str, folder: Path, name: str) -> Path:
    """Download an MLflow model into a folder; returns the plain artifact in it."""
    mlflow_model = download_artifacts(
        artifact_uri=location, dst_path=str(folder), tracking_uri=tracking_uri()
    )
    return plain_artifact(Path(mlflow_model), name)


def _decisions(version: Version) -> Iterator[Decision]:
    for tag, text in version.tags.items():
        if tag.startswith(DECISION_PREFIX):
            try:
                yield Decision(**json.loads(text))
            except (ValueError, TypeError) as error:
                where = f"{version.name} version {version.version}: tag {tag}"
                raise UserError(where, "is damaged", found=error, todo="delete the tag") from None


def _tag(decision: Decision) -> str:
    return f"{DECISION_PREFIX}{decision.time}"


def _reraise_unless(error: MlflowException, code: int) -> None:
    """Raise the error again unless it has this code."""
    if error.error_code != ErrorCode.Name(code):
        raise error
