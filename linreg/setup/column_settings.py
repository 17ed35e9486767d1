"""The parameters that `linreg use` writes about single columns: split.by, sentinels, levels."""

from collections.abc import Mapping, Sequence
from typing import Any

from linreg.params.params import Params
from linreg.setup.settings import Setting

ValuesByColumn = Mapping[str, Sequence[Any]]


def column_settings(
    before: Params, split_by: str, sentinels: ValuesByColumn, levels: ValuesByColumn
) -> dict[str, Setting]:
    """Return the parameters to write, by name; those that stay empty are left out."""
    settings = {}
    if split_by != before.split.by:
        reason = "rows of a group stay together" if split_by.startswith("group:") else ""
        settings["split.by"] = Setting(split_by, reason)
    for name, values, old in (
        ("ingest.sentinels", sentinels, before.ingest.sentinels),
        ("model.levels", levels, before.model.levels),
    ):
        if values or old:
            reason = "" if values else "none in this table"
            written = {column: list(each) for column, each in values.items()}
            settings[name] = Setting(written, reason)
    return settings
