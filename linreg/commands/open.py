"""Show the report of the last run, models/evaluation/report.html, in a browser.

Where there is no screen, as on a server, its address is printed.
"""

import argparse
import os
import sys
import webbrowser
from pathlib import Path

from linreg.dvc_lock import changed_parameters
from linreg.files import missing_output

REPORT = Path("models/evaluation/report.html")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: it has none."""


def run(_args: argparse.Namespace) -> int:
    """Open the report, and say where it is."""
    if not REPORT.is_file():
        raise missing_output(REPORT)
    if changed := changed_parameters():
        names = ", ".join(changed)
        print(f"it is of the run before {names} changed; `dvc repro` updates it", file=sys.stderr)
    print(f"report: {REPORT.resolve().as_uri()}")
    if _has_screen():
        webbrowser.open(REPORT.resolve().as_uri())
    return 0


def _has_screen() -> bool:
    """Tell whether a browser would be a window, and not take over this terminal."""
    wanted = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
    return sys.platform == "darwin" or any(os.environ.get(name) for name in wanted)
