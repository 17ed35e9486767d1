"""Ask which of the locked libraries have known vulnerabilities; part of `make lint`.

    python .ci/audit.py [OPTIONS OF PIP-AUDIT]

Exit code 1 when one has. Where the service does not answer, or knows none of the libraries, one
line says so and lint goes on: a network that is missing is no mistake in the code.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "requirements.lock"
ACCEPTED: dict[str, str] = {}
"""Vulnerabilities that are accepted, by id, each with the date and the reason why it does not
matter here.
"""
SECONDS = 300


def main() -> int:
    """Print what was found in one line, or one for each vulnerability."""
    options = [
        "--no-deps",
        "--disable-pip",
        "--format",
        "json",
        "--progress-spinner",
        "off",
        "--timeout",
        "15",
    ]
    options += [word for each in ACCEPTED for word in ("--ignore-vuln", each)]
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--requirement",
        str(LOCK),
        *options,
        *sys.argv[1:],
    ]
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        libraries: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        return _unknown(f"no answer within {SECONDS} s")
    except ValueError:
        if "pip-audit: error: " in done.stderr or "No module named" in done.stderr:
            print(done.stderr.strip().splitlines()[-1])
            return 1  # it was asked wrongly, or is not installed: no matter of the network
        return _unknown((done.stderr.strip().splitlines() or ["nothing was said"])[-1])
    skipped = [each["name"] for each in libraries if "skip_reason" in each]
    if len(skipped) == len(libraries):
        return _unknown("the service knows none of them")
    for each in libraries:
        for found in each.get("vulns", []):
            fixed = (
                f"take {' or '.join(found['fix_versions'])}"
                if found["fix_versions"]
                else "no version is without"
            )
            print(
                f"error: requirements.lock: {each['name']} {each['version']} has {found['id']}; {fixed}"
            )
    num_vulnerable = sum(bool(each.get("vulns")) for each in libraries)
    unknown = f", {len(skipped)} unknown to the service: {', '.join(skipped)}" if skipped else ""
    accepted = f", {len(ACCEPTED)} vulnerabilities accepted in .ci/audit.py" if ACCEPTED else ""
    print(
        f"audit: {num_vulnerable} of {len(libraries)} libraries with known vulnerabilities{unknown}{accepted}"
    )
    return int(num_vulnerable > 0)


def _unknown(reason: str) -> int:
    print(
        f"audit: NOT DONE, the libraries were not checked for known vulnerabilities: {reason[:300]}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
