"""A table fetched into a folder: only if it has changed, as a whole, and with a record of it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linreg.data.fetch.sources import open_remote
from linreg.errors import UserError
from linreg.files import content_hash, new_folder, read_document, write_document
from linreg.params.fetch import Fetch

RECORD = "fetched.json"
OFFLINE = "LINREG_OFFLINE"
"""The environment variable that has the rows of the last fetch used, without asking for news."""


@dataclass(frozen=True)
class Fetched:
    """A table in the project.

    source   the file or folder to be read
    record   what is known of it: the content of fetched.json
    news     what became of it: what a person is told
    """

    source: Path
    record: Mapping[str, Any]
    news: str

    @property
    def size(self) -> str:
        """The number of rows or bytes."""
        rows = self.record.get("rows")
        return f"{self.record['bytes']} bytes" if rows is None else f"{rows} rows"

    def lines(self) -> list[str]:
        """Return what a person is told about it."""
        lines = [f"{self.news}: {self.size} of {self.record['asked']['url']} → {self.source}"]
        for name, type_ in self.record.get("left_out", {}).items():
            lines.append(f"column {name} is left out; it has the type {type_}")
        return lines


def fetch_table(fetch: Fetch, folder: Path) -> Fetched:
    """Copy a table into a folder, unless the one there has the same fingerprint.

    Raises UserError for a table that cannot be read as a whole; the folder then stays as it is.
    """
    asked = fetch.model_dump(mode="json", exclude_none=True)
    before = _last_fetch(folder, asked)
    if os.environ.get(OFFLINE, "0") not in ("", "0"):
        if before is None:
            what = f"has never been fetched with these parameters, and {OFFLINE} is set"
            raise UserError(fetch.url, what, todo=f"unset {OFFLINE}")
        return Fetched(folder / before["source"], before, f"not asked for news, by {OFFLINE}")
    try:
        with open_remote(fetch) as remote:
            fingerprint = remote.fingerprint()
            if before is not None and fingerprint and fingerprint == before["fingerprint"]:
                return Fetched(folder / before["source"], before, "unchanged")
            with new_folder(folder) as partial:
                saved = remote.save(partial)
                content = content_hash(partial / saved.source)
                record = {**saved.facts, "asked": asked, "content": content}
                record |= {"fingerprint": fingerprint, "source": saved.source}
                write_document(partial / RECORD, record)
    except UserError as error:
        if before is not None:
            error.args = (f"{error}; {OFFLINE}=1 goes on with the table of the last fetch",)
        raise
    is_same = before is not None and before["content"] == content
    news = "the same again" if is_same else "fetched"
    return Fetched(folder / saved.source, record, news)


def _last_fetch(folder: Path, asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the record of the last fetch with the same parameters, if its files are as written."""
    try:
        record = read_document(folder / RECORD)
        source = folder / record["source"]
        same = record["asked"] == asked and content_hash(source) == record["content"]
    except (UserError, OSError, KeyError):
        return None
    return record if same else None
