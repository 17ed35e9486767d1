"""The outputs of stages that were run again, compared with those that dvc.lock records."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from linreg.dvc_lock import LockedPath
from linreg.files import content_hash
from linreg.git import run_git
from linreg.verify.checkout import Checkout
from linreg.verify.differences.paths import first_difference
from linreg.verify.dvc_objects import link_cached


@dataclass(frozen=True)
class OutputComparison:
    """An output, its MD5 now (None if it was not written), and its first difference in words."""

    expected: LockedPath
    found: str | None
    difference: str = ""

    @property
    def same(self) -> bool:
        """Whether every byte is the same."""
        return self.found == self.expected.md5


def compare_outputs(
    project: Checkout, expected: Sequence[LockedPath], reference: Path
) -> list[OutputComparison]:
    """Compare the outputs in a checkout with those that dvc.lock records or another run wrote.

    reference  a folder that may hold the expected files, to show where they differ
    """
    found = project.output_hashes()
    comparisons = []
    for output in expected:
        md5 = found.get(output.path)
        same = md5 == output.md5
        difference = "" if same else _difference(project, output, md5, reference)
        comparisons.append(OutputComparison(output, md5, difference))
    return comparisons


def _difference(project: Checkout, output: LockedPath, found: str | None, reference: Path) -> str:
    if found is None:
        return f"{output.path}: was not written"
    with tempfile.TemporaryDirectory(prefix="linreg-") as scratch:
        original = _original(output, reference, project.commit, Path(scratch))
        if original is None:
            return (
                f"{output.path}: differs; the file that dvc.lock records is not here to be "
                "compared (`dvc pull` restores it)"
            )
        return str(first_difference(original, project.folder / output.path))


def _original(output: LockedPath, reference: Path, commit: str, scratch: Path) -> Path | None:
    """Find the output that was expected: in the reference folder, in git, or in DVC's cache."""
    in_reference = reference / output.path
    if in_reference.exists() and content_hash(in_reference) == output.md5:
        return in_reference
    copy = scratch / Path(output.path).name
    in_git = run_git("show", f"{commit}:./{output.path}")
    copy.write_bytes(in_git.stdout)
    if in_git.returncode == 0 and content_hash(copy) == output.md5:
        return copy
    copy.unlink()
    return copy if link_cached(output.md5, copy) else None
