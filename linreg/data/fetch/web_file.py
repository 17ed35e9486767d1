"""A file at an http:// or https:// address, downloaded to the last byte or not at all."""

import base64
import http.client
import re
import ssl
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from linreg.data.fetch.address import Address
from linreg.data.fetch.remote import Saved
from linreg.errors import UserError

BYTES_AT_ONCE = 1 << 20
SECONDS_OF_SILENCE = 30.0
PAUSES = (1.0, 2.0, 4.0, 8.0)
"""Seconds before each further try."""
_BUSY = (429, 500, 502, 503, 504)
_BROKEN = (http.client.HTTPException, ConnectionError, TimeoutError)
_IS_PAGE = re.compile(rb"\s*(?:<!doctype html|<html|<head)", re.IGNORECASE)


class WebFile:
    """A file of a server, and the open answer that it has begun to send."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._answer = self._ask(0)

    def fingerprint(self) -> str | None:
        """Return the ETag of the file, or when it was changed; None where the server has neither.

        It stands before the content, which need not be read.
        """
        headers = self._answer.headers
        if headers["ETag"]:
            return str(headers["ETag"])
        if headers["Last-Modified"]:
            return f"{headers['Last-Modified']}, {headers['Content-Length']} bytes"
        return None

    def save(self, folder: Path) -> Saved:
        """Write the content; a broken connection is taken up where it broke, as far as possible."""
        name = file_name(self._address)
        path = folder / name
        headers = self._answer.headers
        with path.open("wb") as file:
            for number in range(len(PAUSES) + 1):
                try:
                    self._copy(file)
                    break
                except _BROKEN as error:
                    if number == len(PAUSES):
                        what = f"breaks off after {file.tell()} bytes, {number + 1} times"
                        raise self._address.error(what, error, "try again later") from None
                time.sleep(PAUSES[number])
                self.close()
                self._answer = self._ask(file.tell(), headers["ETag"] or headers["Last-Modified"])
                if self._answer.status != http.client.PARTIAL_CONTENT:
                    # The server begins anew, perhaps with another file.
                    headers = self._answer.headers
                    file.seek(0)
                    file.truncate()
        if headers["Content-Encoding"] not in (None, "identity"):
            self._decode(path, headers["Content-Encoding"])
        facts = {"bytes": path.stat().st_size}
        facts |= {
            key: headers[name]
            for key, name in (("etag", "ETag"), ("last_modified", "Last-Modified"))
            if headers[name]
        }
        return Saved(name, facts)

    def close(self) -> None:
        """Leave the rest of the answer unread."""
        self._answer.close()

    def _copy(self, file: Any) -> None:
        """Append what the answer holds; raises IncompleteRead where it ends before its length."""
        while True:
            piece = self._answer.read(BYTES_AT_ONCE)
            if file.tell() == 0:
                self._require_no_page(piece)
            if not piece:
                break
            file.write(piece)
        if self._answer.length:
            raise http.client.IncompleteRead(b"", self._answer.length)

    def _require_no_page(self, start: bytes) -> None:
        if not _IS_PAGE.match(start.removeprefix(b"\xef\xbb\xbf")):
            return
        title = re.search(rb"<title[^>]*>(.*?)</title", start, re.IGNORECASE | re.DOTALL)
        found = f"“{title[1].decode(errors='replace')}”" if title else "HTML"
        raise self._address.error(
            "answers with a web page in place of a table",
            found,
            "check the address; it may be that of a page about the file, or need a login",
        )

    def _decode(self, path: Path, encoding: str) -> None:
        """Undo a compression for the way only; a file called .gz is compressed by itself."""
        if encoding in ("gzip", "x-gzip"):
            if path.suffix == ".gz":
                return
            unpacked = path.with_name(f".{path.name}.unpacked")
            decompressor = zlib.decompressobj(wbits=31)
            with (
                path.open("rb") as packed,
                unpacked.open("wb") as file,
                self._address.errors("is damaged on its way", zlib.error),
            ):
                while piece := packed.read(BYTES_AT_ONCE):
                    while piece:
                        file.write(decompressor.decompress(piece, BYTES_AT_ONCE))
                        piece = decompressor.unconsumed_tail
                file.write(decompressor.flush())
            unpacked.replace(path)
            return
        raise self._address.error("is sent in an encoding that was not asked for", encoding)

    def _ask(self, start: int, same: str | None = None) -> Any:
        """Return the answer of the server, from the byte `start` on if it is still the same."""
        headers = {"User-Agent": "linreg", "Accept-Encoding": "identity"}
        if start and same and not same.startswith("W/"):
            headers |= {"Range": f"bytes={start}-", "If-Range": same}
        for pause in (*PAUSES, None):
            try:
                return _open(self._address.actual, headers)
            except urllib.error.HTTPError as error:
                error.close()
                if error.code not in _BUSY or pause is None:
                    raise self._refusal(error) from None
            except (urllib.error.URLError, *_BROKEN) as error:
                reason = getattr(error, "reason", error)
                if pause is None or not isinstance(reason, _BROKEN):
                    what, todo = "cannot be reached", "check the address and the network"
                    if isinstance(reason, ssl.SSLError):
                        what, todo = "cannot prove who it is", "ask who runs the server"
                    raise self._address.error(what, reason, todo) from None
            except ValueError as error:
                raise self._address.error("is not an address", error) from None
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _refusal(self, error: urllib.error.HTTPError) -> UserError:
        found = f"{error.code} {error.reason}"
        match error.code:
            case 404 | 410:
                return self._address.error("there is no such file", found, "check the address")
            case 401 | 403 | 407:
                todo = "the key or password, {NAME} in the address, comes from the environment"
                return self._address.error("refuses access", found, todo)
        return self._address.error("does not send the file", found, "try again later")


@contextmanager
def web_file(address: Address) -> Iterator[WebFile]:
    """Ask a server for a file; the answer is closed at the end."""
    with closing(WebFile(address)) as file:
        yield file


def file_name(address: Address) -> str:
    """Return the last part of an address as the name of a file."""
    name = unquote(urlsplit(address.written).path.rstrip("/").rpartition("/")[2])
    name = re.sub(r"[^\w.+@ -]", "_", name).lstrip("._ ")
    return name or "table"


class _SameHostRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but sends no password to another server, and none from https to http."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if old.scheme == "https" and new.scheme != "https":
            raise urllib.error.HTTPError(
                req.full_url, code, f"a redirect to {new.scheme}://{new.hostname}", headers, fp
            )
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request is not None and old.netloc != new.netloc:
            request.remove_header("Authorization")
        return request


def _open(url: str, headers: dict[str, str]) -> Any:
    parts = urlsplit(url)
    headers = dict(headers)
    user, at, host = parts.netloc.rpartition("@")
    if at:
        name, _, password = user.partition(":")
        headers["Authorization"] = _basic(unquote(name), unquote(password))
        url = urlunsplit(parts._replace(netloc=host))
    opener = urllib.request.build_opener(_SameHostRedirects)
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - http or https
    return opener.open(request, timeout=SECONDS_OF_SILENCE)


def _basic(name: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"
