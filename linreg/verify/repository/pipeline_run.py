"""The stages of a checkout run again, several at a time, and each compared with its record."""

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from pathlib import Path
from threading import Lock

from linreg.verify.differences.paths import first_difference
from linreg.verify.repository.checkout import Checkout
from linreg.verify.repository.hashes import counted_files, differs_in_line_ends, found_hash
from linreg.verify.repository.results import OutputComparison, StageResult, Verdict, verdict_of
from linreg.verify.repository.stage_run import StageRun, run_stage, stages_killed_at_an_interrupt
from linreg.verify.repository.stages import CHECKABLE, MD5, Entry, Output, RecordedHash, Stage

RunStage = Callable[[Stage], StageRun]


def run_pipeline(
    checkout: Checkout,
    environment: Mapping[str, str],
    *,
    jobs: int = 1,
    run: RunStage | None = None,
) -> list[StageResult]:
    """Remove the outputs of the stages to verify, run them, and compare; in their order.

    A stage runs on what the stages before it have written, whether that is what was recorded or
    not; a stage of which one before it could not be run is not run.

    environment  all variables of the commands
    jobs         how many stages run at the same time, where none reads what another one writes
    run          runs a stage, in place of the shell in the checkout
    """
    checkout.remove_outputs()
    return _PipelineRun(checkout, environment, run).run(jobs)


class _PipelineRun:
    def __init__(
        self, checkout: Checkout, environment: Mapping[str, str], run: RunStage | None
    ) -> None:
        self._checkout = checkout
        self._environment = environment
        self._run = run or self._by_shell
        self._results: dict[str, StageResult] = {}
        # What a stage has written is hashed once, however many stages read it.
        self._written: dict[tuple[str, str], RecordedHash | None] = {}
        # DVC's stores are not made for several threads.
        self._comparing = Lock()

    def run(self, jobs: int) -> list[StageResult]:
        stages = {each.name: each for each in self._checkout.stages}
        order = TopologicalSorter(
            {name: set(stage.earlier) & stages.keys() for name, stage in stages.items()}
        )
        order.prepare()
        if jobs == 1:
            # In the order of the stages, by this thread, which Ctrl-C interrupts.
            with stages_killed_at_an_interrupt():
                for name, stage in stages.items():
                    self._results[name] = self._result(stage)
            return list(self._results.values())
        running: dict[Future[StageResult], str] = {}
        with ThreadPoolExecutor(jobs) as pool, stages_killed_at_an_interrupt():
            while order.is_active():
                for name in order.get_ready():
                    running[pool.submit(self._result, stages[name])] = name
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    name = running.pop(future)
                    self._results[name] = future.result()
                    order.done(name)
        return [self._results[each.name] for each in self._checkout.stages]

    def _result(self, stage: Stage) -> StageResult:
        if stage.is_input:
            why = "it is frozen" if stage.frozen else "it updates what is elsewhere"
            return StageResult(stage, Verdict.INPUT, reason=why)
        if not_run := self._failed_before(stage):
            return StageResult(stage, Verdict.NOT_RUN, reason=f"because stage {not_run}")
        if problem := self._problem(stage):
            return StageResult(stage, Verdict.FAILED, reason=problem)
        changed = [each for each in stage.inputs if self._has_changed(each)]
        paths = tuple(each.path for each in changed)
        line_ends = tuple(each.path for each in changed if self._line_ends(each))
        done = self._run(stage)
        outputs: tuple[OutputComparison, ...] = ()
        if not done.failure:
            with self._comparing:
                outputs = tuple(self._compare(each) for each in stage.outputs)
        verdict = Verdict.FAILED if done.failure else verdict_of(stage, outputs)
        return StageResult(stage, verdict, outputs, done.failure, paths, done.seconds, line_ends)

    def _by_shell(self, stage: Stage) -> StageRun:
        checkout = self._checkout
        return run_stage(stage, checkout.root, self._environment, checkout.scratch)

    def _failed_before(self, stage: Stage) -> str:
        """Return in words which stage before this one could not be run, or nothing."""
        for name in stage.earlier:
            result = self._results.get(name)
            if result and result.verdict == Verdict.FAILED:
                return f"{name} could not be run"
            if result and result.verdict == Verdict.NOT_RUN:
                return f"{name} was not run"
        return ""

    def _problem(self, stage: Stage) -> str:
        """Return why a stage cannot be run at all, or nothing."""
        for output in filter(self._checkout.is_outside, stage.outputs):
            return f"{output.path}: is an output outside of the repository"
        for entry in stage.inputs:
            if "://" in entry.path or (self._checkout.root / entry.path).exists():
                continue
            return f"{entry.path}: {self._why_missing(entry)}"
        return ""

    def _why_missing(self, entry: Entry) -> str:
        for path, reason in self._checkout.missing.items():
            if entry.overlaps(Output(path, None)):
                recorded = f" with MD5 {entry.recorded.value}" if entry.recorded else ""
                return f"is an input{recorded} that git does not hold; {reason}"
        return "is an input that does not exist in the commit, and no stage writes it"

    def _has_changed(self, entry: Entry) -> bool:
        """Tell whether an input is another one than dvc.lock records of this stage."""
        recorded = entry.recorded
        if recorded is None or recorded.algorithm not in CHECKABLE or "://" in entry.path:
            return False
        found = self._written.get((entry.path, recorded.algorithm))
        return (found or self._found(entry.path, recorded.algorithm)) != recorded

    def _line_ends(self, entry: Entry) -> bool:
        """Tell whether a file differs from what is recorded of it in its line ends only."""
        path = self._checkout.root / entry.path
        return entry.recorded is not None and differs_in_line_ends(path, entry.recorded)

    def _found(self, path: str, algorithm: str) -> RecordedHash | None:
        root = self._checkout.root
        return found_hash(root / path, algorithm, root)

    def _compare(self, output: Output) -> OutputComparison:
        recorded = output.recorded
        algorithm = recorded.algorithm if recorded and recorded.algorithm in CHECKABLE else MD5
        found = self._found(output.path, algorithm)
        self._written[output.path, algorithm] = found
        if recorded is None or found is None or found == recorded:
            return OutputComparison(output, found)
        if self._line_ends(output):
            return OutputComparison(output, found, line_ends=True)
        original = self._checkout.original(output)
        if original is None:
            return OutputComparison(output, found)
        root = self._checkout.root

        def counted(folder: Path) -> set[str]:
            return {each.relative_to(folder).as_posix() for each in counted_files(folder, root)}

        return OutputComparison(
            output, found, first_difference(original, root / output.path, counted)
        )
