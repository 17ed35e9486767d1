"""Install the locked environment into .venv, and show how far it is.

`make env` runs it: python3 .ci/install.py, which needs nothing but Python and pip.
"""

import json
import queue
import re
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCKS = (ROOT / "requirements.lock", ROOT / "requirements-dev.lock")
"""What runs the pipeline, and what only tests and tools need."""
VENV = ROOT / ".venv"
PIP = (str(VENV / "bin/python"), "-m", "pip", "--disable-pip-version-check")
SECONDS_BETWEEN_LINES = 10.0
"""Where the output is not a terminal."""
SECONDS_TO_STOP = 10
CUDA = """\
PyTorch would come with CUDA here: several GB more, and of use only with an NVIDIA GPU and
train.device: cuda. For the build without it stop this with Ctrl-C, and run
    PIP_EXTRA_INDEX_URL=ADDRESS make repro
with the address that PyTorch's page "Start Locally" shows for CPU."""


def main() -> None:
    """Create the environment, or bring it up to the locks."""
    start = time.monotonic()
    total = sum(len(lock.read_text(encoding="utf-8").split()) for lock in LOCKS)
    print(f"installing {total} packages into .venv, once", flush=True)
    if not (VENV / "bin/python").exists():
        venv.create(VENV, with_pip=True, symlinks=True)
    if _torch_has_cuda():
        print(CUDA, flush=True)
        if sys.stdin.isatty():
            time.sleep(SECONDS_TO_STOP)
    _install(total, start)
    own = ("--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    subprocess.run([*PIP, "install", *own], check=True)  # noqa: S603 - our own command
    print(f"installed in {time.monotonic() - start:.0f} s", flush=True)


def _torch_has_cuda() -> bool:
    """Tell whether pip would take a torch that needs NVIDIA's libraries; no, if pip cannot say."""
    lines = LOCKS[0].read_text(encoding="utf-8").split()
    (torch,) = (line for line in lines if line.startswith("torch=="))
    options = ("--quiet", "--dry-run", "--no-deps", "--report", "-")
    done = subprocess.run(  # noqa: S603 - our own command
        [*PIP, "install", *options, torch], capture_output=True, text=True, check=False
    )
    try:
        found = json.loads(done.stdout)["install"]
    except (ValueError, KeyError):
        return False
    needed = [name for each in found for name in each["metadata"].get("requires_dist", [])]
    return sys.platform == "linux" and any(name.startswith(("nvidia-", "cuda-")) for name in needed)


def _install(total: int, start: float) -> None:
    command = [*PIP, "install", "--progress-bar", "off"]
    for lock in LOCKS:
        command += ["-r", str(lock)]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.PIPE, text=True
    ) as pip:
        assert pip.stdout is not None
        last = float("-inf")
        shown = ""
        for text in _progress(_lines_or_ticks(pip.stdout), total):
            now = time.monotonic()
            if sys.stdout.isatty():
                print(f"\r\033[K{text}  ({now - start:.0f} s)", end="", flush=True)
            elif text != shown and now - last >= SECONDS_BETWEEN_LINES:
                print(f"{text}  ({now - start:.0f} s)", flush=True)
                last, shown = now, text
    if sys.stdout.isatty():
        print("\r\033[K", end="")
    if pip.returncode:
        sys.exit(pip.returncode)


def _progress(lines: Iterator[str], total: int) -> Iterator[str]:
    """Yield what pip is doing, for each line that it prints and each second without one."""
    fetched: set[str] = set()
    text = "asking for the packages"
    unpacking = False
    for line in lines:
        if found := re.match(r"\s*(?:Collecting|Processing) (?:.*/)?([\w.]+)", line):
            fetched.add(found[1])
            text = f"fetching {min(len(fetched), total)} of {total}: {found[1]}"
        elif found := re.match(r"\s*Downloading (?:.*/)?([\w.]+)-.* \(([\d.]+ [kMG]B)\)", line):
            text = f"fetching {min(len(fetched), total)} of {total}: {found[1]}, {found[2]}"
        unpacking = unpacking or line.startswith("Installing collected")
        if unpacking:
            there = len(list(VENV.glob("lib/python*/site-packages/*.dist-info")))
            text = f"unpacking {min(there, total)} of {total}"
        yield text


def _lines_or_ticks(stream: Iterator[str]) -> Iterator[str]:
    """Yield the lines of a stream, and an empty one for every second without a line."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in stream:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=1.0)
        except queue.Empty:
            line = ""
        if line is None:
            return
        yield line


if __name__ == "__main__":
    main()
