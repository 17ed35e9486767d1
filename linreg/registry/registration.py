"""The registration of a model: which version it becomes, and whether it is the new champion."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from linreg.data.parts import training_shards
from linreg.errors import UserError
from linreg.fit.model import load
from linreg.params.file import load_params
from linreg.registry.candidate import (
    SPLIT,
    Candidate,
    candidate_of_run,
    candidate_of_workspace,
    describe_passed_gates,
)
from linreg.registry.challenge import ChallengeResult, challenge
from linreg.registry.model_card import model_card, version_tags
from linreg.registry.model_certificate import ModelCertificate
from linreg.tracking.audit_log import ALREADY_REGISTERED, CHAMPION, REFUSED, Decision
from linreg.tracking.journal.run_folder import RunFolder
from linreg.tracking.journal.sender_process import wait

if TYPE_CHECKING:
    from linreg.tracking.mlflow.model_registry import Registry, Version

TEST_ROWS = Path(SPLIT) / "test.parquet"
VALIDATION_ROWS = Path(SPLIT) / "validation.parquet"
SECONDS_TO_SEND = 20.0


class Outcome(NamedTuple):
    """What was done, line by line; whether the model is the champion, and if not, why."""

    lines: list[str]
    is_champion: bool
    objection: str = ""


def register(
    registry: "Registry", run_id: str | None, certificate: Path | None, *, dry_run: bool
) -> Outcome:
    """Register the model of a run, or that in models/model, as champion, challenger or not at all.

    With a certificate, that has to be one of the model, and the version carries it. A dry run
    decides and changes nothing. Raises UserError like `candidate_of_run` and
    `candidate_of_workspace`.
    """
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        if run_id:
            candidate = candidate_of_run(run_id, registry, scratch, certificate)
        else:
            candidate = candidate_of_workspace(certificate)
        champion = registry.champion()
        known = registry.with_model(candidate.model_hash)
        if known is not None:
            outcome = _already_registered(candidate, registry, champion, known, dry_run=dry_run)
        else:
            outcome = _register_new(candidate, registry, champion, scratch, dry_run=dry_run)
    title = f"model {candidate.model_hash} of {candidate.run.label}, {candidate.run.name}"
    return outcome._replace(lines=[title, *outcome.lines])


def _already_registered(
    candidate: Candidate,
    registry: "Registry",
    champion: "Version | None",
    version: "Version",
    *,
    dry_run: bool,
) -> Outcome:
    reason = f"this model is version {version.version} of {registry.name}"
    if candidate.objection:
        reason += f", and would now be refused: {candidate.objection}"
    if not dry_run:
        decision = _decision(candidate, registry, champion, ChallengeResult(REFUSED, reason))
        number = int(version.version)
        registry.record(replace(decision, decision=ALREADY_REGISTERED, version=number))
        if candidate.certificate and not candidate.certificate.mismatch:
            _attach(candidate.certificate, registry, version)
    # The version that a search finds has no aliases.
    aliases = registry.version(int(version.version)).aliases
    is_champion = champion is not None and champion.version == version.version
    line = f"already registered: {reason} ({', '.join(aliases) or 'no alias'})"
    objection = ""
    if champion is None and not candidate.objection:
        objection = (
            f"{registry.name} has no champion any more;"
            f" `linreg register --promote {version.version} --why TEXT` makes this version it"
        )
    return Outcome([line], is_champion and not candidate.objection, objection)


def _register_new(
    candidate: Candidate,
    registry: "Registry",
    champion: "Version | None",
    scratch: Path,
    *,
    dry_run: bool,
) -> Outcome:
    lines = []
    if candidate.objection:
        result = ChallengeResult(REFUSED, candidate.objection)
    else:
        lines.append(describe_passed_gates(candidate.gates))
        if not candidate.run.tags.get("git.commit"):
            lines.append("its run was made outside of git: `linreg rerun` cannot repeat it")
        result = _challenge_champion(champion, candidate, registry, scratch)
    if result.outcome == REFUSED:
        if not dry_run:
            registry.record(_decision(candidate, registry, champion, result))
        refused = "would be refused" if dry_run else "refused"
        return Outcome(lines, is_champion=False, objection=f"{refused}: {result.reason}")
    if dry_run:
        done = f"would be registered as {result.outcome}"
    else:
        number = _add_version(candidate, registry, champion, result, scratch)
        done = f"registered as version {number} of {registry.name}, {result.outcome}"
    if result.outcome == CHAMPION:
        return Outcome([*lines, f"{done}: {result.reason}"], is_champion=True)
    objection = f"not promoted: {result.reason}"
    return Outcome([*lines, done], is_champion=False, objection=objection)


def _challenge_champion(
    champion: "Version | None", candidate: Candidate, registry: "Registry", scratch: Path
) -> ChallengeResult:
    if champion is None:
        return challenge(None, "", candidate.model, TEST_ROWS)
    label = f"version {champion.version}, the champion,"
    try:
        model = load(registry.artifact(champion, scratch / "champion"))
    except UserError as error:
        return ChallengeResult("challenger", f"{label} cannot be compared: {error}")
    # It imports MLflow, which takes seconds.
    from linreg.tracking.mlflow.model_registry import challenges_of

    params = load_params()
    confidence, by = params.evaluate.confidence, params.split.by
    others = [*training_shards(Path(SPLIT)), VALIDATION_ROWS]
    number = challenges_of(champion) + 1
    return challenge(model, label, candidate.model, TEST_ROWS, confidence, by, others, number)


def _add_version(
    candidate: Candidate,
    registry: "Registry",
    champion: "Version | None",
    result: ChallengeResult,
    scratch: Path,
) -> int:
    """Make the candidate a version, as decided, and return its number."""
    candidate = _with_run_in_mlflow(candidate)
    run_id = candidate.run.run_id
    model_id, _ = registry.model_of_run(run_id, candidate.model_hash, scratch)
    if candidate.certificate:
        registry.keep_certificate(run_id, candidate.certificate.path)
    return registry.add(
        model_id,
        run_id,
        model_card(candidate, result.reason),
        version_tags(candidate),
        _decision(candidate, registry, champion, result),
    )


def _attach(certificate: ModelCertificate, registry: "Registry", version: "Version") -> None:
    """Have a version that exists carry a certificate."""
    if version.run_id:
        registry.keep_certificate(version.run_id, certificate.path)
    registry.extend(version, certificate.tags(), certificate.paragraph())


def _with_run_in_mlflow(candidate: Candidate) -> Candidate:
    """Wait until MLflow has the candidate's run; raises UserError if it takes too long."""
    folder = RunFolder(candidate.run.key)
    if not folder.journal.exists():
        # The run was found in MLflow.
        return candidate
    if pending := wait(folder, SECONDS_TO_SEND):
        raise UserError(
            candidate.run.label,
            "is not in MLflow yet",
            found=f"{pending} entries that are pending",
            todo="run `linreg sync`, then this command again",
        )
    return replace(candidate, run=replace(candidate.run, run_id=folder.sync_state().run_id))


def _decision(
    candidate: Candidate, registry: "Registry", champion: "Version | None", result: ChallengeResult
) -> Decision:
    """Return the entry of the audit log."""
    run = candidate.run
    return Decision(
        name=registry.name,
        decision=result.outcome,
        why=result.reason,
        store=registry.store,
        champion=None if champion is None else int(champion.version),
        model=candidate.model_hash,
        run=run.run_id or run.key,
        comparison=result.comparison(),
        **source_of(run.tags),
    )


def source_of(tags: Mapping[str, str]) -> dict[str, Any]:
    """Return commit, dirty and experiment of a decision, from the tags of a run or a version."""
    dirty = tags.get("git.dirty")
    return {
        "commit": tags.get("git.commit", ""),
        "dirty": None if dirty is None else dirty == "true",
        "experiment": tags.get("dvc.experiment", ""),
    }
