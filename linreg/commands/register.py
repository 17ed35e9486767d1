"""Put a model into the MLflow model registry, and make it the champion if it is better on the same
test rows.

Better means that the whole confidence interval of the paired difference says so, and not one
number. The exit code is 0 when the model is the champion, 1 when it is not: refused, or registered
as the challenger.
"""

import argparse
import re
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from linreg.errors import UserError
from linreg.fit.model import load
from linreg.params import split_column
from linreg.params_file import load_params
from linreg.registry.candidate import SPLIT, Candidate, candidate_here, candidate_of, passed_gates
from linreg.registry.model_card import description, tags
from linreg.registry.promotion import Verdict, contest
from linreg.tracking.audit_log import (
    ALREADY_REGISTERED,
    CHAMPION,
    PROMOTED_MANUALLY,
    REFUSED,
    Decision,
    registry_lock,
)
from linreg.tracking.journal.run_folder import RunFolder
from linreg.tracking.journal.sender_process import wait

if TYPE_CHECKING:
    from linreg.tracking.mlflow.model_registry import Registry, Version

TEST = Path(SPLIT) / "test.parquet"
SECONDS_TO_SEND = 20.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--name", default="linreg", help="name of the registered model (default: %(default)s)"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--run", metavar="RUN_ID", help="the model of this run, instead of the one in models/model"
    )
    which.add_argument(
        "--promote",
        type=int,
        metavar="VERSION",
        help="make a version the champion whatever the "
        "interval says; also the way back to an earlier one; needs --why",
    )
    parser.add_argument(
        "--why",
        default="",
        metavar="TEXT",
        help="the reason for --promote, which goes into the log",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show the decision and change nothing"
    )


def run(args: argparse.Namespace) -> int:
    """Decide, act and write down the decision; a registry that does not answer is one line."""
    _check(args)
    from linreg.tracking.mlflow.model_registry import (
        Registry,
        # imports MLflow, which takes seconds
    )
    from linreg.tracking.mlflow.store_errors import TRACKING_ERRORS, reason, remedy

    try:
        if args.dry_run:
            return _decide(args, Registry.open(args.name, create=False))
        with registry_lock():
            return _decide(args, Registry.open(args.name))
    except UserError:
        raise
    except TRACKING_ERRORS as error:
        why = reason(error)
        return _say(f"error: the model registry: {why}; {remedy(why)}", 1)


def _check(args: argparse.Namespace) -> None:
    if not re.fullmatch(r"[\w.\- ]+", args.name):
        raise UserError(
            "--name", "must be letters, digits, spaces, `_`, `-` and `.`", found=args.name
        )
    if args.promote is not None and not args.why.strip():
        raise UserError(
            "--promote", "needs a reason", todo="add --why TEXT, which goes into the log"
        )
    if args.why and args.promote is None:
        raise UserError("--why", "belongs to --promote", todo="without it the interval decides")


def _decide(args: argparse.Namespace, registry: "Registry") -> int:
    for version, decision in [] if args.dry_run else registry.unfinished():
        registry.complete(version, decision)
        print(
            f"version {version.version} of {registry.name}, whose registration was interrupted, is {decision.decision}"
        )
    if args.promote is not None:
        return _promote(args, registry)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        candidate = candidate_of(args.run, registry, scratch) if args.run else candidate_here()
        print(f"model {candidate.model_hash} of {candidate.run.label}, {candidate.run.name}")
        return _register(candidate, registry, scratch, dry=args.dry_run)


def _register(candidate: Candidate, registry: "Registry", scratch: Path, *, dry: bool) -> int:
    champion = registry.champion()
    if known := registry.with_model(candidate.model_hash):
        return _known(candidate, registry, known, champion, dry=dry)
    if candidate.objection:
        verdict = Verdict("refused", candidate.objection)
    else:
        print(passed_gates(candidate.gates))
        verdict = _against(champion, candidate, registry, scratch)
    if not dry and verdict.decision != REFUSED:
        candidate = _in_mlflow(candidate)
    decision = _decision(candidate, registry, champion, verdict)
    if verdict.decision == REFUSED:
        if not dry:
            registry.record(decision)
        return _say(f"{'would be refused' if dry else 'refused'}: {verdict.why}", 1)
    if dry:
        word = f"would be registered as {verdict.decision}"
    else:
        model_id, _ = registry.model_of_run(candidate.run.run_id, candidate.model_hash, scratch)
        version = registry.add(
            model_id,
            candidate.run.run_id,
            description(candidate, verdict.why),
            tags(candidate),
            decision,
        )
        word = f"registered as version {version} of {registry.name}, {verdict.decision}"
    print(f"{word}: {verdict.why}" if verdict.decision == CHAMPION else word)
    return 0 if verdict.decision == CHAMPION else _say(f"not promoted: {verdict.why}", 1)


def _known(
    candidate: Candidate,
    registry: "Registry",
    version: "Version",
    champion: "Version | None",
    *,
    dry: bool,
) -> int:
    """Say that this model has a version."""
    why = f"this model is version {version.version} of {registry.name}"
    if candidate.objection:
        why += f", and would now be refused: {candidate.objection}"
    if not dry:
        registry.record(
            _decision(
                candidate, registry, champion, Verdict(REFUSED, why), ALREADY_REGISTERED, version
            )
        )
    aliases = (
        ", ".join(registry.version(int(version.version)).aliases) or "no alias"
        # a search does not tell them
    )
    print(f"already registered: {why} ({aliases})")
    is_champion = champion is not None and champion.version == version.version
    return 0 if is_champion and not candidate.objection else 1


def _against(
    champion: "Version | None", candidate: Candidate, registry: "Registry", scratch: Path
) -> Verdict:
    if champion is None:
        return contest(None, "", candidate.model, TEST)
    params = load_params()
    label = f"version {champion.version}, the champion,"
    try:
        theirs = load(registry.artifact(champion, scratch / "champion"))
    except UserError as error:
        return Verdict("challenger", f"{label} cannot be compared: {error}")
    group = split_column(params.split.by) if params.split.by.startswith("group:") else None
    return contest(theirs, label, candidate.model, TEST, params.evaluate.confidence, group)


def _promote(args: argparse.Namespace, registry: "Registry") -> int:
    if registry.client is None:
        raise UserError(
            f"{registry.name} version {args.promote}",
            "is not in the registry",
            found=registry.store,
        )
    version, champion = registry.version(args.promote), registry.champion()
    before = "" if champion is None else f", in place of version {champion.version}"
    if champion is not None and champion.version == version.version:
        print(f"version {version.version} of {registry.name} is the champion already")
        return 0
    if args.dry_run:
        print(
            f"version {version.version} of {registry.name} would become champion{before}: {args.why}"
        )
        return 0
    about = version.tags
    registry.promote(
        Decision(
            registry.name,
            PROMOTED_MANUALLY,
            args.why,
            registry.store,
            int(version.version),
            None if champion is None else int(champion.version),
            about.get("linreg.model", ""),
            version.run_id or "",
            about.get("git.commit", ""),
            _truth(about.get("git.dirty")),
            about.get("dvc.experiment", ""),
        )
    )
    print(f"version {version.version} of {registry.name} is now the champion{before}: {args.why}")
    return 0


def _in_mlflow(candidate: Candidate) -> Candidate:
    """Have MLflow take the candidate's run whole, if it has not yet; raises UserError when it does
    not.
    """
    folder = RunFolder(candidate.run.key)
    if not folder.journal.exists():
        # MLflow is where it was found
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
    candidate: Candidate,
    registry: "Registry",
    champion: "Version | None",
    verdict: Verdict,
    word: str = "",
    version: "Version | None" = None,
) -> Decision:
    run = candidate.run
    return Decision(
        name=registry.name,
        decision=word or verdict.decision,
        why=verdict.why,
        store=registry.store,
        version=None if version is None else int(version.version),
        champion=None if champion is None else int(champion.version),
        model=candidate.model_hash,
        run=run.run_id or run.key,
        commit=run.tags.get("git.commit", ""),
        dirty=_truth(run.tags.get("git.dirty")),
        experiment=run.tags.get("dvc.experiment", ""),
        comparison=None if verdict.comparison is None else verdict.comparison.as_data(),
    )


def _truth(text: str | None) -> bool | None:
    return None if text is None else text == "true"


def _say(line: str, code: int) -> int:
    print(line, file=sys.stderr)
    return code
