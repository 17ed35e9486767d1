"""A table elsewhere, fetched for `linreg use`, and the parameter that names it."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from linreg.data.fetch.fetched import Fetched, fetch_table
from linreg.data.fetch.sources import local_kind
from linreg.errors import UserError
from linreg.params.fetch import PLACEHOLDER, SCHEMES, Fetch, is_address, masked
from linreg.params.file import load_params
from linreg.params.params import Params
from linreg.setup.options import UseOptions
from linreg.setup.settings import Setting
from linreg.setup.table_location import FETCHED, source_parameter


def is_fetched(options: UseOptions) -> bool:
    """Whether a table has to be fetched: it is elsewhere, or no file of rows."""
    file = str(options.file)
    return bool(options.sql) or is_address(file) or local_kind(Path(file)) is not None


def fetch_for_use(options: UseOptions, params: Params) -> tuple[Fetched, dict[str, Setting]]:
    """Fetch the table that the options name; returns it, and the parameter to write.

    Raises UserError for an address with a password, and for a table that cannot be fetched.
    """
    url = PLACEHOLDER.sub(r"{\1}", str(options.file))
    scheme = url.partition("://")[0]
    if not is_address(url):
        url = source_parameter(Path(url))
    elif scheme not in SCHEMES:
        known = ", ".join(f"{each}://" for each in SCHEMES)
        raise UserError(masked(url), f"begins with none of {known}", found=f"{scheme}://")
    wanted: dict[str, Any] = {"url": url, "sql": options.sql, "fingerprint": options.fingerprint}
    wanted["version"] = options.at_version
    given = {key: value for key, value in wanted.items() if value is not None}
    name = _free_name(given, params.fetch)
    fetch = load_params(changes={f"fetch.{name}": given}).fetch[name]
    return fetch_table(fetch, FETCHED / name), {f"fetch.{name}": Setting(given)}


def unused_tables(params: Params, source: str) -> Iterator[str]:
    """Yield the tables that `fetch` names and that `ingest.source` is not in."""
    for name in params.fetch:
        if not Path(source).is_relative_to(FETCHED / name):
            yield name


def _free_name(given: Mapping[str, Any], known: Mapping[str, Fetch]) -> str:
    """Return a name for a table: that which it has in `fetch`, or else one after its own."""
    sql = given.get("sql", "")
    own = sql if re.fullmatch(r"[\w.\"]+", sql) else masked(given["url"]).partition("?")[0]
    stem = own.rstrip("/").rpartition("/")[2]
    stem = stem.partition(".")[0] if own != sql else stem.rpartition(".")[2]
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_") or "table"
    free, number = name, 1
    while free in known and known[free].url != given["url"]:
        number += 1
        free = f"{name}-{number}"
    return free
