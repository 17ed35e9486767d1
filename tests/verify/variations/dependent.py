"""Stages that depend on one thing each that must not matter."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

from ruamel.yaml import YAML

SCRIPT = """
import datetime, getpass, json, locale, os, socket, sys, tempfile, time
from pathlib import Path

def number():
    locale.setlocale(locale.LC_ALL, "")
    return locale.format_string("%.1f", 1.5)

def network():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
        except OSError:
            return "none"
    return "there"

def mode():
    path = Path("new.tmp")
    path.touch()
    return oct(path.stat().st_mode)

def robust():
    # A seed, UTC's own arithmetic, sorted sets and folders, and a file with a mode of its own.
    import random
    path = Path("robust.tmp")
    path.write_text("x")
    path.chmod(0o600)
    names = sorted(os.listdir("in"))
    return [random.Random(1).random(), names, sorted({f"k{i}" for i in range(20)}),
            oct(path.stat().st_mode), datetime.datetime.fromtimestamp(0, datetime.UTC).isoformat(),
            f"{1.5:.2f}"]

values = {
    "path": os.getcwd,
    "entries": lambda: os.listdir("in"),
    "hostname": socket.gethostname,
    "network": network,
    "cpus": os.cpu_count,
    "user": getpass.getuser,
    "umask": mode,
    "date": lambda: datetime.datetime.now(datetime.UTC).date().isoformat(),
    "timezone": lambda: datetime.datetime.fromtimestamp(0).isoformat(),
    "locale": number,
    "hashseed": lambda: list({f"k{i}" for i in range(20)}),
    "threads": lambda: os.environ.get("OMP_NUM_THREADS", ""),
    "features": lambda: os.environ.get("OPENBLAS_CORETYPE", ""),
    "robust": robust,
    "unstable": time.time_ns,
    "two_together": lambda: os.umask(0) == 0o77 and "OMP_NUM_THREADS" in os.environ,
}
name = sys.argv[1]
Path(f"{name}.json").write_text(json.dumps({"value": values[name]()}))
"""
LOCALE = "de_DE.UTF-8"
NAMES = (
    *("path", "entries", "hostname", "network", "cpus", "user", "umask", "date", "timezone"),
    *("locale", "hashseed", "threads", "features"),
)


def write_repository(folder: Path, names: Iterable[str]) -> None:
    """Make a repository with a stage for each name, run and committed."""
    (folder / "in").mkdir(parents=True)
    for name in "abcdefgh":
        (folder / "in" / name).touch()
    (folder / "stage.py").write_text(SCRIPT)
    (folder / ".gitignore").write_text("/*.json\n/*.tmp\n")
    stage = {
        "foreach": list(names),
        "do": {
            "cmd": "python stage.py ${item}",
            "deps": ["in", "stage.py"],
            "outs": ["${item}.json"],
        },
    }
    with (folder / "dvc.yaml").open("w") as file:
        YAML().dump({"stages": {"stage": stage}}, file)
    for command in ("git init -q", "dvc init -q", "dvc repro -q", "git add -A"):
        subprocess.run(command.split(), cwd=folder, check=True)
    subprocess.run(["git", "commit", "-q", "-m", "Stages"], cwd=folder, check=True)
