"""Measure how strong the fast tests are: change the library, and see whether a test notices.

    python -m tests.mutation                                   # 200 mutants of four packages
    python -m tests.mutation --package evaluation --number 60 --seed 2 --jobs 1
    python -m tests.mutation --file linreg/fit/exact/projection.py --number 1000  # all of a file's

A mutant is one change of one expression or statement: another comparison, another operator, a
constant ± 1, a condition negated, a statement deleted, None returned. It is made in a temporary
copy of the project, never in the checkout. There the test file that mirrors the module runs first,
then all fast tests of its package. A test that fails or takes too long kills the mutant. A survivor
is printed as `file:line  before → after`. It calls for a test that states a property, or its code
does nothing and can go. The command fails below LEAST_KILLED.

Texts, annotations, decorators, zip's `strict` and what stands in f-strings are not changed, nor are
the constants in PERFORMANCE.
"""

import argparse
import contextlib
import importlib.util
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from linreg.code_lock.imports import ImportReader
from linreg.code_lock.module_graph import ModuleGraph
from linreg.code_lock.stage_code import IMPORT_CACHE
from tests import fork_server
from tests.mutants import ROOT, Mutant, mutants_of
from tests.project import copy_of_the_project

PACKAGES = ("fit", "data", "evaluation", "tracking")
LEAST_KILLED = 0.92
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", "--timeout=60", "-o", "timeout_method=thread")
# A fork finds pytest's plugins imported, without assertions rewritten.
NO_REWRITING = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
FAST = (*OPTIONS, *NO_REWRITING, "-m", "not slow and not very_slow")
MOST_TIMES_SLOWER = 3
"""A package's tests that take so many times as long as without a mutant do not end."""


def importers_of(file: str) -> set[str]:
    """Return a source file and all that import it, directly or not."""
    with ImportReader(ROOT / IMPORT_CACHE) as reader:
        graph = ModuleGraph(ROOT, reader)
        files = {str(path): graph.imported_by(str(path), str(ROOT)) for path in _library()}
    imports = {
        _in_project(path): set(map(_in_project, found)) for path, (found, _) in files.items()
    }
    found = {file}
    while more := {name for name, names in imports.items() if names & found} - found:
        found |= more
    return found


def _library() -> Iterator[Path]:
    return (ROOT / "linreg").rglob("*.py")


def _in_project(path: str) -> str:
    return Path(path).relative_to(ROOT).as_posix()


class Copy:
    """A copy of the project, for one mutant at a time, with kernels compiled there."""

    def __init__(self, folder: Path) -> None:
        self._project = folder / "project"
        self._kernels = folder / "kernels"
        self._project.mkdir(parents=True)
        self._kernels.mkdir()
        copy_of_the_project(self._project)

    def kills(self, mutant: Mutant, limit: float) -> bool:
        """Tell whether a fast test of the mutant's package fails, or takes more than `limit` s."""
        original = (self._project / mutant.file).read_bytes()
        # numba compiles a kernel again when its own file has changed, not when a callee's has.
        stale = {Path(file).stem for file in importers_of(mutant.file)}
        kernels = shutil.copytree(
            self._kernels,
            self._kernels.with_name("kernels of the mutant"),
            copy_function=os.link,
            ignore=lambda _, names: [name for name in names if name.split(".")[0] in stale],
        )
        try:
            self._write(mutant.file, mutant.applied_to(original))
            return not all(self.passes(target, limit, kernels) for target in mutant.targets)
        finally:
            self._write(mutant.file, original)
            shutil.rmtree(kernels)

    def passes(self, target: str, limit: float | None = None, kernels: Path | None = None) -> bool:
        """Run the fast tests of a file or folder, up to the first that fails."""
        environment = {
            "NUMBA_CACHE_DIR": str(kernels or self._kernels),
            # Tests start processes in other folders.
            "PYTHONPATH": str(self._project),
        }
        process = subprocess.Popen(
            ["python", "-m", "pytest", *FAST, target],
            cwd=self._project,
            env=fork_server.forking(os.environ | environment),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return process.wait(limit) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            # Also what tests have started.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _write(self, file: str, source: bytes) -> None:
        """Write a source file; what Python compiled of the last one may have its size and time."""
        path = self._project / file
        path.write_bytes(source)
        Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)


def prepared_copy(folder: Path, packages: Iterable[str]) -> tuple[Copy, float]:
    """Return a copy in which tests pass and kernels are compiled, and how long a package takes."""
    copy = Copy(folder)
    start = time.monotonic()
    for package in packages:
        if not copy.passes(f"tests/{package}"):
            sys.exit(f"tests/{package}: fails without any mutant; see pytest {' '.join(FAST)}")
    return copy, time.monotonic() - start


def killed(mutants: Sequence[Mutant], num_jobs: int) -> Iterator[tuple[Mutant, bool]]:
    """Try mutants in several copies at once; yield each with whether a test killed it."""
    packages = sorted({mutant.package for mutant in mutants})
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(num_jobs) as pool:
        folders = [Path(folder, str(job)) for job in range(num_jobs)]
        prepared = list(pool.map(prepared_copy, folders, [packages] * num_jobs))
        idle = queue.SimpleQueue[Copy]()
        for copy, _ in prepared:
            idle.put(copy)
        limit = MOST_TIMES_SLOWER * max(seconds for _, seconds in prepared)

        def attempt(mutant: Mutant) -> tuple[Mutant, bool]:
            copy = idle.get()
            try:
                return mutant, copy.kills(mutant, limit)
            finally:
                idle.put(copy)

        yield from pool.map(attempt, mutants)


def main() -> None:
    """Draw mutants, try each, print the survivors and the rates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--package", choices=PACKAGES, action="append", help="default: all of them")
    parser.add_argument("--file", action="append", help="mutants of this file only")
    parser.add_argument("--number", type=int, default=200, help="at most so many mutants")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    files = options.file or [
        path.relative_to(ROOT).as_posix()
        for package in options.package or PACKAGES
        for path in sorted((ROOT / "linreg" / package).rglob("*.py"))
    ]
    every = [mutant for file in files for mutant in mutants_of(file)]
    drawn = random.Random(options.seed).sample(every, min(options.number, len(every)))  # noqa: S311
    print(f"{len(drawn)} of {len(every)} mutants", flush=True)
    fork_server.share()
    tried, survived = Counter[str](), Counter[str]()
    # After Ctrl-C the rates are those of the mutants so far.
    with contextlib.suppress(KeyboardInterrupt):
        for mutant, was_killed in killed(drawn, options.jobs):
            tried[mutant.package] += 1
            if not was_killed:
                survived[mutant.package] += 1
                print(mutant, flush=True)
    for package in sorted(tried):
        print(
            f"{package:12}{1 - survived[package] / tried[package]:4.0%} of {tried[package]} killed"
        )
    rate = 1 - survived.total() / max(tried.total(), 1)
    print(f"{'together':12}{rate:4.0%} of {tried.total()} killed")
    sys.exit(rate < LEAST_KILLED)


if __name__ == "__main__":
    main()
