"""Check the locked libraries for known vulnerabilities; part of `make lint`.

    python .ci/audit.py [OPTIONS OF PIP-AUDIT]

Exit code 1 when one is vulnerable. When the service does not answer, or knows none of the
libraries, one line says so and lint continues: an absent network is no mistake in the code.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
ACCEPTED: dict[str, str] = {}
"""Vulnerabilities that are accepted: by id, the date and the reason why it is harmless here."""
SECONDS = 300
OPTIONS = [
    "--no-deps",
    "--disable-pip",
    "--format",
    "json",
    "--progress-spinner",
    "off",
    "--timeout",
    "15",
]


def main() -> int:
    """Print a line for each vulnerability, and one with their number."""
    command = [sys.executable, "-m", "pip_audit", *OPTIONS]
    for lock in LOCKS:
        command += ["--requirement", str(ROOT / lock)]
    for vulnerability in ACCEPTED:
        command += ["--ignore-vuln", vulnerability]
    command += sys.argv[1:]
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        libraries: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        return _not_done(f"no answer within {SECONDS} s")
    except ValueError:
        return _failed(done.stderr)
    return _report(libraries)


def _report(libraries: list[dict[str, Any]]) -> int:
    skipped = [each["name"] for each in libraries if "skip_reason" in each]
    if len(skipped) == len(libraries):
        return _not_done("the service knows none of them")
    for library in libraries:
        for vulnerability in library.get("vulns", []):
            fixes = " or ".join(vulnerability["fix_versions"])
            todo = f"upgrade to {fixes}" if fixes else "no version without it is known"
            name = f"{library['name']} {library['version']}"
            print(f"error: {_lock_of(library['name'])}: {name} has {vulnerability['id']}; {todo}")
    num_vulnerable = sum(bool(each.get("vulns")) for each in libraries)
    notes = [f"audit: {num_vulnerable} of {len(libraries)} libraries with known vulnerabilities"]
    if skipped:
        notes.append(f"{len(skipped)} unknown to the service: {', '.join(skipped)}")
    if ACCEPTED:
        notes.append(f"{len(ACCEPTED)} vulnerabilities accepted in .ci/audit.py")
    print(", ".join(notes))
    return int(num_vulnerable > 0)


def _lock_of(name: str) -> str:
    """Return the lock file that names a library, however either spells it."""
    lines = (ROOT / LOCKS[0]).read_text(encoding="utf-8").split()
    names = {canonicalize_name(line.partition("==")[0]) for line in lines}
    return LOCKS[0] if canonicalize_name(name) in names else LOCKS[1]


def _failed(stderr: str) -> int:
    """Return 1 for wrong options or a missing pip-audit: the network is not to blame for those."""
    last = (stderr.strip().splitlines() or ["no message"])[-1]
    if "pip-audit: error: " in stderr or "No module named" in stderr:
        print(last)
        return 1
    return _not_done(last)


def _not_done(reason: str) -> int:
    checked = "the libraries were not checked for known vulnerabilities"
    print(f"audit: NOT DONE, {checked}: {reason[:300]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
