"""The promotion of a version to champion by a person, whatever the paired test says."""

from typing import TYPE_CHECKING

from linreg.errors import UserError
from linreg.registry.registration import Outcome, source_of
from linreg.tracking.audit_log import PROMOTED_MANUALLY, Decision

if TYPE_CHECKING:
    from linreg.tracking.mlflow.model_registry import Registry


def promote(registry: "Registry", number: int, reason: str, *, dry_run: bool) -> Outcome:
    """Make a version the champion; raises UserError if there is none of that number."""
    if registry.client is None:
        where = f"{registry.name} version {number}"
        raise UserError(where, "is not in the registry", found=registry.store)
    version, champion = registry.version(number), registry.champion()
    title = f"version {version.version} of {registry.name}"
    if champion is not None and champion.version == version.version:
        return Outcome([f"{title} is the champion already"], is_champion=True)
    replaced = "" if champion is None else f", replacing version {champion.version}"
    if dry_run:
        line = f"{title} would become the champion{replaced}: {reason}"
        return Outcome([line], is_champion=True)
    registry.promote(
        Decision(
            name=registry.name,
            decision=PROMOTED_MANUALLY,
            why=reason,
            store=registry.store,
            version=int(version.version),
            champion=None if champion is None else int(champion.version),
            model=version.tags.get("linreg.model", ""),
            run=version.run_id or "",
            **source_of(version.tags),
        )
    )
    return Outcome([f"{title} is now the champion{replaced}: {reason}"], is_champion=True)
