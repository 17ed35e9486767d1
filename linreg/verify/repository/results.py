"""What became of the stages that were run again."""

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from linreg.errors import UserError
from linreg.verify.differences.difference import Difference
from linreg.verify.repository.stages import Output, RecordedHash, Stage


class Verdict(enum.StrEnum):
    """What became of a stage.

    IDENTICAL   every byte of its outputs is what was recorded
    DIFFERENT   at least one output is another one, or was not written
    FAILED      it could not be run
    NOT_RUN     a stage before it could not be run
    UNRECORDED  it was run, and dvc.lock has nothing to compare one of its outputs with
    INPUT       it was not run: it is frozen, or brings what is elsewhere up to date
    """

    IDENTICAL = "identical"
    DIFFERENT = "different"
    FAILED = "could not run"
    NOT_RUN = "not run"
    UNRECORDED = "not recorded"
    INPUT = "taken as input"


@dataclass(frozen=True)
class OutputComparison:
    """An output of a stage that was run: what was found, and the first difference.

    found       None if the stage did not write it, or nothing comparable is recorded of it
    difference  None if it is the same, and where the recorded content is nowhere to be found
    line_ends   whether it differs in its line ends only: LF, where CRLF was recorded
    """

    output: Output
    found: RecordedHash | None
    difference: Difference | None = None
    line_ends: bool = False

    @property
    def same(self) -> bool:
        """Whether every byte is the same."""
        return self.found is not None and self.found == self.output.recorded

    def in_words(self) -> str:
        """Return the first difference, or why it is not known; empty where there is none."""
        if self.same or self.output.recorded is None:
            return ""
        if self.found is None:
            return f"{self.output.path}: was not written"
        if self.line_ends:
            return f"{self.output.path}: its line ends only: CRLF, as on Windows, became LF"
        if self.difference is None:
            return (
                f"{self.output.path}: differs; what was recorded is not here to be compared "
                "(`dvc pull` restores it)"
            )
        # Seen from the folder that holds .dvc, and not from the output.
        path = PurePosixPath(self.output.path)
        if self.output.recorded.is_of_folder and self.found.is_of_folder:
            path /= self.difference.path
        return str(replace(self.difference, path=str(path)))


@dataclass(frozen=True)
class StageResult:
    """What became of one stage.

    outputs         compared with what was recorded; empty unless the stage was run
    reason          why it was not run or could not be
    changed_inputs  the inputs that were not what dvc.lock records of this stage, so that its
                    outputs had reason to differ
    line_ends       those of them that differ in their line ends only: LF, where CRLF was recorded
    """

    stage: Stage
    verdict: Verdict
    outputs: tuple[OutputComparison, ...] = ()
    reason: str = ""
    changed_inputs: tuple[str, ...] = ()
    seconds: float = 0.0
    line_ends: tuple[str, ...] = ()

    def differences(self) -> list[str]:
        """Return the first difference of each output that has one, in words."""
        return [text for each in self.outputs if (text := each.in_words())]

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON document."""
        return {
            "stage": self.stage.name,
            "verdict": str(self.verdict),
            "reason": self.reason or None,
            "seconds": round(self.seconds, 3),
            "changed_inputs": list(self.changed_inputs),
            "changed_line_ends": list(self.line_ends),
            "changed_parameters": list(self.stage.changed_parameters),
            "command_changed": self.stage.command_changed,
            "outputs": [_output_as_json(each) for each in self.outputs],
        }


def exit_code(results: Iterable[StageResult]) -> int:
    """Return 0 if all outputs are identical, 1 if one differs, 2 if a stage could not be judged."""
    verdicts = {each.verdict for each in results}
    if verdicts & {Verdict.FAILED, Verdict.NOT_RUN, Verdict.UNRECORDED}:
        return 2
    return 1 if Verdict.DIFFERENT in verdicts else 0


def require_run(results: Iterable[StageResult]) -> None:
    """Raise UserError for the first stage that could not be judged."""
    failed = [each for each in results if each.verdict == Verdict.FAILED]
    unrecorded = [each for each in results if each.verdict == Verdict.UNRECORDED]
    more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    if failed:
        raise UserError(f"stage {failed[0].stage.name}{more}", failed[0].reason)
    if unrecorded:
        raise UserError(
            f"stage {unrecorded[0].stage.name}",
            "is not in dvc.lock, or one of its outputs is not",
            todo="run `dvc repro` and commit dvc.lock",
        )


def verdict_of(stage: Stage, outputs: Sequence[OutputComparison]) -> Verdict:
    """Return the verdict on a stage that was run."""
    if any(each.output.recorded is not None and not each.same for each in outputs):
        return Verdict.DIFFERENT
    if not stage.is_recorded or any(each.output.recorded is None for each in outputs):
        return Verdict.UNRECORDED
    return Verdict.IDENTICAL


def _output_as_json(comparison: OutputComparison) -> dict[str, Any]:
    output = comparison.output
    return {
        "path": output.path,
        "recorded": _hash_as_json(output.recorded),
        "found": _hash_as_json(comparison.found),
        "same": comparison.same,
        "difference": comparison.in_words() or None,
    }


def _hash_as_json(value: RecordedHash | None) -> dict[str, str] | None:
    return None if value is None else {"algorithm": value.algorithm, "value": value.value}
