"""The parameters of a table that is fetched: its address, which holds no secret, and the query."""

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from linreg.params.section import Section

FetchName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
PLACEHOLDER = re.compile(r"\$?\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""In an address, what stands for the value of an environment variable: {NAME} or ${NAME}."""
SCHEMES = ("postgresql", "postgres", "sqlite", "duckdb", "http", "https", "s3", "gs")
_NAMES_OF_KEYS = r"pass(?:word|wd)?|pwd|token|secret|sig|signature|credential|key|auth"
_SECRET_IN_QUERY = re.compile(
    rf"([?&](?:[\w.-]*[_.-])?(?:access|api|app|auth|client|ssl|user)?(?:{_NAMES_OF_KEYS})=)"
    r"([^&#\s]*)",
    re.IGNORECASE,
)


class Fetch(Section):
    """A table in a database, in a lake or at an address, which is copied to data/fetched/NAME."""

    url: str = Field(
        min_length=1,
        description=(
            "Where the table is: `postgresql://user@host/database`, the path of a SQLite or DuckDB "
            "file or of a Delta or Iceberg table, `s3://bucket/file.parquet`, `gs://…` or "
            "`https://…`. Passwords come from the environment: by PGPASSWORD and the like, or by "
            "`{NAME}`, in whose place stands the value of that variable."
        ),
    )
    sql: str | None = Field(
        None, min_length=1, description="Of a database: a SELECT, or the name of a table or view."
    )
    fingerprint: str | None = Field(
        None,
        min_length=1,
        description=(
            "A SELECT whose answer changes whenever the rows do, such as `SELECT max(updated) FROM "
            "sales`; the rows are read again only when it differs. null to read them every time. "
            "Files and lakes need none: they have an ETag or a version."
        ),
    )
    version: int | None = Field(
        None,
        ge=0,
        description="The version of a Delta table or the snapshot of an Iceberg table; null for "
        "the newest.",
    )

    @field_validator("url")
    @classmethod
    def _holds_no_secret(cls, url: str) -> str:
        if masked(url) != url:
            raise ValueError(
                f"must hold no password or key; found {masked(url)}; write {{NAME}} in its place, "
                "and set the environment variable NAME"
            )
        return url

    @model_validator(mode="after")
    def _is_consistent(self) -> "Fetch":
        if self.fingerprint and not self.sql:
            raise ValueError("fingerprint is a query of a database, and needs sql")
        return self


def masked(url: str) -> str:
    """Return an address with *** in place of passwords and keys; of placeholders it keeps all."""
    scheme, sign, rest = url.partition("://")
    if not sign:
        return url
    user, at, host = rest.rpartition("@")
    if at and not (scheme.startswith("http") and _is_host(rest)):
        name, colon, password = user.partition(":")
        if colon and not PLACEHOLDER.fullmatch(password):
            rest = f"{name}:***@{host}"
    return f"{scheme}{sign}{_SECRET_IN_QUERY.sub(_mask_of_value, rest)}"


def _is_host(rest: str) -> bool:
    """Whether what follows :// begins with a host and perhaps a port, before a path with an @."""
    place = re.split(r"[/?#]", rest, maxsplit=1)[0]
    return "@" not in place and re.fullmatch(r"[^:]*(:\d*)?", place) is not None


def _mask_of_value(found: re.Match[str]) -> str:
    value = found[2]
    return found[1] + (value if not value or PLACEHOLDER.fullmatch(value) else "***")


def path_or_address(text: str) -> Path | str:
    """Return an address as it is, and anything else as a path."""
    return text if is_address(text) else Path(text)


def is_address(text: str) -> bool:
    """Whether a text is an address, as `https://host/t.csv` is, rather than a path."""
    return "://" in text and bool(urlsplit(text.split("://")[0] + "://").scheme)
