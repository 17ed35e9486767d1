"""An address with the secrets that the environment holds, which no message shows."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from linreg.errors import UserError
from linreg.params.fetch import PLACEHOLDER

SECRET_VARIABLES = ("PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@dataclass(frozen=True)
class Address:
    """Where a table is.

    written  as in params.yaml, with {NAME} in place of secrets; what every message shows
    actual   with the values of the environment; in no message and no file
    secrets  the values that are not to be shown
    """

    written: str
    actual: str
    secrets: tuple[str, ...]

    @classmethod
    def of(cls, url: str) -> "Address":
        """Put the values of environment variables into an address.

        Raises UserError for a variable that is not set.
        """
        scheme, sign, rest = url.partition("://")
        if not sign:
            return cls(url, url, ())
        secrets = [os.environ[name] for name in SECRET_VARIABLES if os.environ.get(name)]
        actual, end = "", 0
        for found in PLACEHOLDER.finditer(rest):
            value = os.environ.get(found[1])
            if not value:
                what = f"needs the environment variable {found[1]}"
                raise UserError(url, what, todo=f"export {found[1]}=…")
            # A value after ? may hold several parameters, & and = among them.
            in_query = "?" in rest[: found.start()]
            encoded = quote(value, safe="&=%+/:,;" if in_query else "")
            actual += rest[end : found.start()] + encoded
            end = found.end()
            secrets += [value, encoded]
        actual = f"{scheme}{sign}{actual}{rest[end:]}"
        return cls(url, actual, tuple(sorted(set(secrets), key=len, reverse=True)))

    @property
    def scheme(self) -> str:
        """What stands before ://; empty for a path."""
        return self.written.partition("://")[0] if "://" in self.written else ""

    @property
    def path(self) -> Path:
        """The file or folder of a local address: the path itself, or what follows sqlite:///."""
        return Path(self.actual.partition(":///")[2] if self.scheme else self.actual)

    def hide(self, text: object) -> str:
        """Return a text of a driver or server on one line, without secrets."""
        hidden = str(text)
        for secret in self.secrets:
            hidden = hidden.replace(secret, "***")
        return " ".join(hidden.split())

    def error(self, what: str, found: object = None, todo: str = "") -> UserError:
        """Return an error about this address; `found` may be the words of a driver."""
        shown = None if found is None else self.hide(found)
        return UserError(self.written, what, found=shown, todo=todo)

    @contextmanager
    def errors(self, what: str, *kinds: type[BaseException]) -> Iterator[None]:
        """Turn exceptions of these kinds into a UserError without secrets."""
        try:
            yield
        except kinds as error:
            raise self.error(what, error) from None
