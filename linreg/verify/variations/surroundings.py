"""Variations of where and when a process runs: folder, time, locale, umask, order of folders."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from linreg.verify.variations.namespaces import why_not
from linreg.verify.variations.variation import Variation

LOCALES = ("tr_TR", "de_DE", "fr_FR", "ru_RU")
"""Locales in which i has another capital letter, or numbers have a comma."""
LATER = "+400d"


def other_path() -> Variation:
    """Another folder, of another depth."""
    return Variation("path", "another folder", arrange=_moved)


def time_zone() -> Variation:
    """A time zone in which it is another day."""
    # At noon of UTC or later it is tomorrow at UTC+14.
    zone = "<+14>-14" if time.gmtime().tm_hour >= 12 else "<-12>+12"
    return Variation("timezone", f"TZ={zone}, another day", environment={"TZ": zone})


def date() -> Variation:
    """Another date and time, by faketime."""
    prefix = ("faketime", "-f", LATER)
    if shutil.which("faketime") is None:
        todo = "faketime is not installed (Debian, Ubuntu: apt install faketime)"
        return Variation("date", unavailable=f"{todo}; the time zone alone is varied")
    if reason := why_not(prefix):
        return Variation("date", unavailable=reason)
    # Files keep their times. The monotonic clock is faked as well: where it is not, libfaketime
    # 0.9.10 has sleep() fail.
    variables = {"NO_FAKE_STAT": "1"}
    return Variation("date", "400 days later", environment=variables, prefix=prefix)


def other_locale() -> Variation:
    """Another locale, one with other numbers if there is one."""
    set_here = filter(None, map(os.environ.get, ("LC_ALL", "LC_CTYPE", "LANG")))
    current = next(set_here, "C")
    known = _installed_locales()
    favourites = [each for name in LOCALES for each in known if each.startswith(name)]
    others = [each for each in favourites + known if _plain(each) != _plain(current)]
    if not others:
        return Variation("locale", unavailable=f"no locale is installed but {current}")
    chosen = others[0]
    variables = {"LC_ALL": chosen, "LANG": chosen, "LANGUAGE": chosen.partition(".")[0]}
    return Variation("locale", f"{chosen} instead of {current}", environment=variables)


def umask() -> Variation:
    """Another umask: files that only their owner may read, or that the group may write."""
    current = os.umask(0o022)
    os.umask(current)
    other = 0o077 if current != 0o077 else 0o002
    prefix = ("sh", "-c", f'umask {other:03o} && exec "$@"', "sh")
    return Variation("umask", f"{other:03o} instead of {current:03o}", prefix=prefix)


def order_of_entries() -> Variation:
    """Another order in which folders list their entries, by disorderfs."""
    if shutil.which("disorderfs") is None:
        todo = "disorderfs is not installed (Debian, Ubuntu: apt install disorderfs)"
        return Variation("entries", unavailable=todo)
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return Variation("entries", unavailable="/dev/fuse is not there for this user")
    return Variation("entries", "folders list their entries in reverse", arrange=_reversed)


@contextmanager
def _moved(folder: Path) -> Iterator[Path]:
    """Move a folder, and leave a link in its place."""
    other = folder.parent / "another" / "place" / f"{folder.name}-2"
    other.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(other)
    folder.symlink_to(other)
    try:
        yield other
    finally:
        folder.unlink()
        other.rename(folder)


@contextmanager
def _reversed(folder: Path) -> Iterator[Path]:
    """Show a folder in its own place through disorderfs."""
    hidden = folder.with_name(f"{folder.name}.entries")
    folder.rename(hidden)
    folder.mkdir()
    options = ("--multi-user=no", "--shuffle-dirents=no", "--reverse-dirents=yes")
    _call("disorderfs", "--quiet", *options, str(hidden), str(folder))
    try:
        yield folder
    finally:
        unmount = shutil.which("fusermount3") or shutil.which("fusermount") or "fusermount"
        _call(unmount, "-u", "-z", str(folder))
        folder.rmdir()
        hidden.rename(folder)


def _call(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own


def _installed_locales() -> list[str]:
    """Return the locales of the system, and those in the folders of LOCPATH."""
    folders = [Path(each) for each in os.environ.get("LOCPATH", "").split(os.pathsep) if each]
    own = [entry.name for folder in folders if folder.is_dir() for entry in folder.iterdir()]
    try:
        done = subprocess.run(
            ["locale", "-a"],  # noqa: S607 - the system's
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError:
        return own
    return [*own, *done.stdout.split()]


def _plain(name: str) -> str:
    """Return one name of the several that a locale has: C.UTF-8, C.utf8."""
    plain = name.lower().replace("-", "")
    return "c" if plain == "posix" else plain
