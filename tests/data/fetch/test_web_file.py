"""Files of a real HTTP server: whole or not at all, and again only when they have changed."""

import gzip
import http.server
import socket
from pathlib import Path

import pytest

from linreg.data.fetch import web_file
from linreg.data.fetch.fetched import fetch_table
from linreg.errors import UserError
from linreg.files import read_document
from linreg.params.fetch import Fetch
from tests.data.fetch.servers import Answer, content, free_port, web

TABLE = b"x,y\n" + b"".join(b"%d,%d\n" % (i, 2 * i) for i in range(200_000))
Request = http.server.BaseHTTPRequestHandler


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_file, "PAUSES", (0.0, 0.0, 0.0))


def refusal(url: str, folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        fetch_table(Fetch(url=url), folder)
    assert not folder.exists()
    assert not list(folder.parent.glob(".*partial"))
    return str(caught.value)


def breaking(body: bytes, at: int, asked: list[str | None], *, ranges: bool, etag: str) -> Answer:
    """Return the answer of a server that breaks off after `at` bytes of each of its answers."""

    def answer(request: Request) -> None:
        wanted = request.headers["Range"]
        asked.append(wanted)
        start = int(wanted[6:-1]) if ranges and wanted else 0
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(body) - start))
        request.send_header("ETag", etag)
        request.end_headers()
        request.wfile.write(body[start : start + at])
        request.wfile.flush()
        request.connection.shutdown(socket.SHUT_RDWR)

    return answer


def test_a_file_arrives_as_it_is_with_its_etag(tmp_path: Path) -> None:
    with web({"/data/t.csv?a=1": content(TABLE, ETag='"1"')}) as server:
        fetched = fetch_table(Fetch(url=f"{server}/data/t.csv?a=1"), tmp_path / "out")
    assert fetched.source == tmp_path / "out/t.csv"
    assert fetched.source.read_bytes() == TABLE
    record = read_document(tmp_path / "out/fetched.json")
    assert (record["etag"], record["bytes"]) == ('"1"', len(TABLE))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ETag", "Last_Modified"])
def test_an_unchanged_file_is_not_sent_again(tmp_path: Path, name: str) -> None:
    with web({"/t.csv": content(TABLE, 200, **{name: "Fri, 01 Mar 2024 00:00:00 GMT"})}) as server:
        fetch = Fetch(url=f"{server}/t.csv")
        assert fetch_table(fetch, tmp_path / "out").news == "fetched"
        assert fetch_table(fetch, tmp_path / "out").news == "unchanged"
    changed = content(b"x\n1\n", 200, **{name: "Sat, 02 Mar 2024 00:00:00 GMT"})
    with web({"/t.csv": changed}) as server:
        fetched = fetch_table(Fetch(url=f"{server}/t.csv"), tmp_path / "out")
    assert fetched.source.read_bytes() == b"x\n1\n"


def test_without_etag_and_date_a_file_is_compared_by_its_content(tmp_path: Path) -> None:
    with web({"/t.csv": content(TABLE)}) as server:
        fetch = Fetch(url=f"{server}/t.csv")
        assert fetch_table(fetch, tmp_path / "out").news == "fetched"
        assert fetch_table(fetch, tmp_path / "out").news == "the same again"


def test_a_broken_download_goes_on_where_it_broke(tmp_path: Path) -> None:
    asked: list[str | None] = []
    answer = breaking(TABLE, 1_000_000, asked, ranges=True, etag='"1"')
    with web({"/t.csv": answer}) as server:
        fetched = fetch_table(Fetch(url=f"{server}/t.csv"), tmp_path / "out")
    assert fetched.source.read_bytes() == TABLE
    assert asked[0] is None
    assert all(each is not None and int(each[6:-1]) > 0 for each in asked[1:])
    assert 1 < len(asked) <= 4


@pytest.mark.parametrize(("ranges", "etag"), [(False, '"1"'), (True, 'W/"1"')])
def test_what_cannot_go_on_begins_anew_and_ends_in_one_line(
    tmp_path: Path, ranges: bool, etag: str
) -> None:
    """A weak ETag does not promise the same bytes."""
    answer = breaking(TABLE, 1_000_000, [], ranges=ranges, etag=etag)
    with web({"/t.csv": answer}) as server:
        message = refusal(f"{server}/t.csv", tmp_path / "out")
    assert "/t.csv: breaks off after " in message
    assert "bytes, 4 times" in message


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, "there is no such file; found 404 Not Found"),
        (410, "there is no such file"),
        (401, "refuses access; found 401"),
        (403, "refuses access; found 403 Forbidden"),
        (418, "does not send the file; found 418"),
        (503, "does not send the file; found 503"),
    ],
)
def test_a_refusal_is_one_line(tmp_path: Path, status: int, words: str) -> None:
    with web({"/t.csv": content(b"<html>no</html>", status)}) as server:
        message = refusal(f"{server}/t.csv", tmp_path / "out")
    assert message.startswith(f"{server}/t.csv: {words}")


def test_a_busy_server_is_asked_again(tmp_path: Path) -> None:
    answers = [content(b"", 503), content(b"", 429), content(TABLE)]
    with web({"/t.csv": lambda request: answers.pop(0)(request)}) as server:
        fetched = fetch_table(Fetch(url=f"{server}/t.csv"), tmp_path / "out")
    assert fetched.source.read_bytes() == TABLE


@pytest.mark.parametrize(
    "page",
    [
        b"<!DOCTYPE html><html><title>Sign in</title>",
        b"\xef\xbb\xbf\n <HTML><head><title>Sign in</title>",
    ],
)
def test_a_login_page_is_no_table(tmp_path: Path, page: bytes) -> None:
    login = content(page, Content_Type="text/csv")
    with web({"/t.csv": content(b"", 302, Location="/login"), "/login": login}) as server:
        message = refusal(f"{server}/t.csv", tmp_path / "out")
    assert "answers with a web page in place of a table; found “Sign in”" in message


def test_a_redirect_is_followed_but_takes_no_password_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, str | None]] = []

    def noted(answer: Answer) -> Answer:
        def noting(request: Request) -> None:
            seen.append((request.path, request.headers["Authorization"]))
            answer(request)

        return noting

    monkeypatch.setenv("WEB_PASSWORD", "se/cr@t")
    with web({"/b.csv": noted(content(TABLE))}) as other:
        answers = {
            "/t.csv": noted(content(b"", 302, Location="/a.csv")),
            "/a.csv": noted(content(b"", 302, Location=f"{other}/b.csv")),
        }
        with web(answers) as server:
            url = server.replace("://", "://me:{WEB_PASSWORD}@") + "/t.csv"
            fetched = fetch_table(Fetch(url=url), tmp_path / "out")
    assert fetched.source.read_bytes() == TABLE
    basic = "Basic bWU6c2UvY3JAdA=="
    assert seen == [("/t.csv", basic), ("/a.csv", basic), ("/b.csv", None)]


def test_a_key_of_the_environment_is_sent_and_shown_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALES_KEY", "k3y")
    with web({"/t.csv?key=k3y": content(TABLE, ETag='"1"')}) as server:
        fetch = Fetch(url=f"{server}/t.csv?key={{SALES_KEY}}")
        fetched = fetch_table(fetch, tmp_path / "out")
        message = refusal(f"{server}/u.csv?key={{SALES_KEY}}", tmp_path / "other")
    assert "k3y" not in message + " ".join(fetched.lines())
    assert "k3y" not in (tmp_path / "out/fetched.json").read_text()


@pytest.mark.slow
def test_a_compression_for_the_way_is_undone_and_one_of_the_file_stays(tmp_path: Path) -> None:
    packed = gzip.compress(TABLE)
    answer = content(packed, Content_Encoding="gzip")
    with web({"/t.csv": answer, "/t.csv.gz": answer, "/u.csv.gz": content(packed)}) as server:
        names = {"t.csv": TABLE, "t.csv.gz": packed, "u.csv.gz": packed}
        for name, expected in names.items():
            fetched = fetch_table(Fetch(url=f"{server}/{name}"), tmp_path / name)
            assert fetched.source.read_bytes() == expected
            assert len(list(fetched.source.parent.iterdir())) == 2


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    message = refusal(f"http://127.0.0.1:{free_port()}/t.csv", tmp_path / "out")
    assert "cannot be reached; found [Errno 111] Connection refused" in message
    message = refusal("http://nosuch.invalid/t.csv", tmp_path / "out")
    assert "cannot be reached; found [Errno" in message


def test_an_unreachable_server_leaves_the_last_fetch_which_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with web({"/t.csv": content(TABLE, ETag='"1"')}) as server:
        fetch = Fetch(url=f"{server}/t.csv")
        fetch_table(fetch, tmp_path / "out")
    with pytest.raises(UserError, match="LINREG_OFFLINE=1 goes on with the table of the last"):
        fetch_table(fetch, tmp_path / "out")
    assert (tmp_path / "out/t.csv").read_bytes() == TABLE
    monkeypatch.setenv("LINREG_OFFLINE", "1")
    assert fetch_table(fetch, tmp_path / "out").news == "not asked for news, by LINREG_OFFLINE"
    with pytest.raises(UserError, match="has never been fetched with these parameters"):
        fetch_table(Fetch(url=f"{server}/u.csv"), tmp_path / "out")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://h/a/t.csv", "t.csv"),
        ("http://h/a/my%20table.csv?x=/y.json#z", "my table.csv"),
        ("http://h/", "table"),
        ("http://h/..%2f..%2fetc%2fpasswd", "etc_passwd"),
        ("http://h/.hidden", "hidden"),
        ("http://h/_t.csv", "t.csv"),
    ],
)
def test_the_file_has_the_name_of_the_address_and_no_path(url: str, name: str) -> None:
    from linreg.data.fetch.address import Address

    assert web_file.file_name(Address(url, url, ())) == name
