"""What is verified, and what became of it, in lines for a terminal."""

from collections.abc import Iterator, Sequence

from linreg.code_lock.lock_file import CODE_LOCK
from linreg.text import table
from linreg.verify.environment import describe_environment, describe_machine
from linreg.verify.linreg_stages import has_linreg_stages
from linreg.verify.repository.checkout import Checkout
from linreg.verify.repository.results import OutputComparison, StageResult, Verdict
from linreg.verify.repository.stages import Output


def describe_checkout(checkout: Checkout) -> list[str]:
    """Return lines that say what is run, on which inputs and in which environment."""
    return [
        f"commit {checkout.commit[:10]}: {checkout.subject}",
        *(
            f"{each.path}: not in git, {each.how}; its MD5 is that in dvc.lock"
            for each in checkout.copied
        ),
        *_environment(checkout),
    ]


def _environment(checkout: Checkout) -> list[str]:
    if not has_linreg_stages(checkout):
        # Which libraries the stages of others need, and in which Python, only they know.
        return describe_machine()
    locks = [checkout.folder / "requirements.lock", checkout.folder / CODE_LOCK]
    return describe_environment(next((each for each in locks if each.exists()), locks[0]))


def describe_results(results: Sequence[StageResult]) -> list[str]:
    """Return a table of all outputs, and below it the differences and what explains them."""
    lines = table([row for each in results for row in _rows(each)])
    differences = [text for each in results for text in each.differences()]
    if differences:
        lines += ["", "first differences:", *(f"  {each}" for each in differences)]
    writers = [(out, each.stage.name) for each in results for out in each.stage.outputs]
    notes = [text for each in results for text in _notes(each, writers)]
    return [*lines, "", *notes] if notes else lines


def _rows(result: StageResult) -> list[tuple[str, ...]]:
    stage = result.stage
    if result.verdict in (Verdict.FAILED, Verdict.NOT_RUN):
        return [(stage.name, "", "", result.verdict.upper())]
    if result.verdict == Verdict.INPUT:
        words = f"{result.verdict}: {result.reason}"
        hashes = [each.recorded.value[:10] if each.recorded else "" for each in stage.outputs]
        paths = [each.path for each in stage.outputs]
        return [
            (stage.name, path, md5, words) for path, md5 in zip(paths, hashes, strict=True)
        ] or [(stage.name, "", "", words)]
    if not result.outputs:
        is_known = result.verdict == Verdict.IDENTICAL
        words = "ran; has no outputs" if is_known else str(result.verdict)
        return [(stage.name, "", "", words)]
    return [_row(stage.name, each) for each in result.outputs]


def _row(name: str, comparison: OutputComparison) -> tuple[str, ...]:
    output, found = comparison.output, comparison.found
    if output.recorded is None:
        return name, output.path, "", str(Verdict.UNRECORDED)
    result = "same" if comparison.same else f"DIFFERENT: {found.value if found else 'absent'}"
    return name, output.path, output.recorded.value[:10], result


def _notes(result: StageResult, writers: Sequence[tuple[Output, str]]) -> Iterator[str]:
    """Yield what a person has to know to judge a stage.

    writers  all outputs, with the name of the stage that writes each
    """
    stage = result.stage
    if result.verdict in (Verdict.FAILED, Verdict.NOT_RUN):
        yield f"{stage.name}: {result.verdict}: {result.reason}"
    inputs = [each for each in stage.inputs if each.path in result.changed_inputs]
    changed = ["its command"] if stage.command_changed else []
    for each in inputs:
        if names := [name for output, name in writers if each.overlaps(output)]:
            yield f"{stage.name}: ran on {each.path} as {names[0]} wrote it, not as in dvc.lock"
        elif each.path not in result.line_ends:
            changed.append(each.path)
    of_git = [each.path for each in inputs if each.path in result.line_ends]
    if of_git := [path for path in of_git if not any(path == out.path for out, _ in writers)]:
        yield (
            f"{stage.name}: recorded with CRLF as line ends, as on Windows, where git has LF:"
            f" {', '.join(of_git)}; have git keep line ends (`* -text` in .gitattributes), or run"
            " `dvc repro` here and commit dvc.lock"
        )
    changed += stage.changed_parameters
    if changed:
        yield (
            f"{stage.name}: changed since dvc.lock was written: {', '.join(changed)}; run "
            "`dvc repro` and commit dvc.lock"
        )
    for output in stage.outputs if result.outputs else ():
        if output.persist:
            yield f"{output.path}: DVC keeps it when {stage.name} runs; here it began without it"
