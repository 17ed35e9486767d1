"""A stage run in its repository and with nothing but what it declares: what it reads besides."""

import os
import shutil
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from linreg.verify.hidden_inputs.findings import Examination, HiddenInput, Outcome
from linreg.verify.hidden_inputs.parameter_files import (
    Key,
    read_text,
    undeclared_keys,
    with_other_values,
)
from linreg.verify.hidden_inputs.places import COUNT_BY_EFFECT, Kind, Places
from linreg.verify.hidden_inputs.reads import Reads, reads_of
from linreg.verify.hidden_inputs.room import Supplement, room
from linreg.verify.hidden_inputs.smallest_set import smallest_set
from linreg.verify.hidden_inputs.trace import Trace, why_not_traced
from linreg.verify.repository.hashes import found_hash
from linreg.verify.repository.recorded_content import remove_path
from linreg.verify.repository.stage_run import StageRun, run_stage
from linreg.verify.repository.stages import CHECKABLE, MD5, RecordedHash, Stage

Hashes = Mapping[str, RecordedHash | None]
VALUE = "the outputs are others with another value"
DIFFERS = "the outputs are others without it"
LISTED = "its names are read, and the outputs are others without them"
_SUPPLIED = (Kind.UNTRACKED, Kind.OUTSIDE)


class StageExamination:
    """Runs one stage in the whole repository, then with what it declares, then with less or more.

    The repository is left as after the first run.
    """

    def __init__(
        self,
        stage: Stage,
        places: Places,
        code: Collection[str],
        environment: Mapping[str, str],
        scratch: Path,
    ) -> None:
        self._stage = stage
        self._places = places
        self._code = code
        self._environment = environment
        self._scratch = scratch
        self._reads = Reads()
        self._whole: Hashes = {}
        self._last_outcome: str | None = None

    def examine(self) -> tuple[StageRun, Examination]:
        """Return how the run in the whole repository ended, and what was found."""
        start = time.monotonic()
        done = self._run_in_repository()
        outcome, hidden, reason = self._judge(done)
        unopened = () if done.failure or why_not_traced() else self._unopened()
        seconds = time.monotonic() - start
        found = Examination(self._stage, outcome, tuple(hidden), unopened, reason, seconds)
        return done, found

    def _judge(self, done: StageRun) -> tuple[Outcome, list[HiddenInput], str]:
        found = [
            HiddenInput(place.path, place.kind, f"is {action.value}")
            for place, action in self._reads.undeclared.items()
            if place.kind not in COUNT_BY_EFFECT and place.path not in self._parameter_files()
        ]
        if done.failure:
            return Outcome.HIDDEN if found else Outcome.FAILED, found, done.failure
        self._whole = self._hashes()
        recorded = {each.path: each.recorded for each in self._stage.outputs}
        if any(each and each != self._whole.get(path) for path, each in recorded.items()):
            reason = "outputs in the whole repository are not those of dvc.lock"
            return (Outcome.HIDDEN, found, reason) if found else (Outcome.DIFFERENT, [], "")
        if not self._is_same_with(found):
            if (more := self._missing(found)) is None:
                return Outcome.UNEXPLAINED, found, self._last_outcome or ""
            found += more
        found += self._values_used(found)
        return Outcome.HIDDEN if found else Outcome.COMPLETE, found, ""

    def _run_in_repository(self) -> StageRun:
        """Run the stage traced; again where it has looked for a file that only the user has."""
        while True:
            self._remove_outputs()
            if why_not_traced():
                return self._run()
            before = set(self._files_in_tree())
            with Trace(self._scratch) as trace:
                done = self._run(trace.prefix)
                actions = trace.actions(str(self._places.root / self._stage.wdir))
                self._reads = reads_of(self._stage, actions, self._places, before, self._code)
            missing = [each.path for each in self._reads.undeclared if each.kind in _SUPPLIED]
            arrived = [path for path in missing if self._supply(path)]
            if not arrived:
                return done

    def _run(self, prefix: tuple[str, ...] = ()) -> StageRun:
        root = self._places.root
        return run_stage(self._stage, root, self._environment, self._scratch, prefix=prefix)

    def _supply(self, path: str) -> bool:
        """Copy a file of the user's checkout, or beside it, to where the stage looked for it."""
        tree, root = self._places.tree, self._places.root
        target = Path(os.path.normpath(root / path))
        source = self._places.original / os.path.relpath(target, tree)
        if not target.is_relative_to(tree.parent) or target.exists():
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(os.path.normpath(source), target)
        self._places.supplied.add(str(target))
        return True

    def _outcome_with(self, found: Sequence[HiddenInput], **more: Any) -> str | None:
        """Run the stage with what it declares and a supplement.

        Returns why it failed, an empty text where its outputs are the same, None where they are
        others.
        """
        files = [path for each in found if not each.key for path in self._files_of(each)]
        keys = [(each.path, each.key) for each in found if each.key]
        supplement = Supplement(**{"files": files, "keys": keys, **more})
        with room(self._stage, self._places, self._code, self._parameter_files(), supplement):
            done = self._run()
            same = not done.failure and self._hashes() == self._whole
            self._last_outcome = done.failure or ("" if same else None)
            return self._last_outcome

    def _is_same_with(self, found: Sequence[HiddenInput]) -> bool:
        return self._outcome_with(found) == ""

    def _missing(self, found: Sequence[HiddenInput]) -> list[HiddenInput] | None:
        """Return what the stage lacks to have the same outputs; None where that is not known.

        A parameter that must be there, but whose value makes no difference, does not count.
        """
        more = smallest_set(
            list(self._candidates(found)), lambda each: self._is_same_with([*found, *each])
        )
        if more is None:
            return None
        keys = [(each.path, each.key) for each in more if each.key]
        for words in (True, False):
            changed = {"changed": keys, "words": words}
            if keys and self._outcome_with([*found, *more], **changed) == "":
                # Text that has not changed may be used.
                return [e for e in more if not e.key or (self._is_text(e) and not words)]
        return more

    def _is_text(self, parameter: HiddenInput) -> bool:
        path = self._places.root / parameter.path
        text, key = read_text(path), [parameter.key]
        as_it_is, numbers, all_values = (
            with_other_values(text, path.suffix, keys, words=words)
            for keys, words in (([], True), (key, False), (key, True))
        )
        return as_it_is == numbers != all_values

    def _values_used(self, found: Sequence[HiddenInput]) -> list[HiddenInput]:
        """Return undeclared parameters without which the outputs are the same, by their defaults.

        Those are found by giving them other values. Where the stage then fails, as it may check
        all values and use none of them, nothing is known.
        """
        keys = [(each.path, each.key) for each in self._undeclared_keys()]
        if not keys or not self._opens_parameters():
            return []
        known = {(each.path, each.key) for each in found}
        used: list[tuple[str, Key]] = []
        for words in (True, False):

            def is_other(changed: Sequence[tuple[str, Key]], words: bool = words) -> bool:
                with_all = {"keys": keys, "changed": changed, "words": words}
                return bool(changed) and self._outcome_with(found, **with_all) is None

            # Each of several that are used is enough for other outputs.
            while more := smallest_set([each for each in keys if each not in known], is_other):
                used += more
                known.update(more)
            if self._last_outcome == "":
                break
        return [HiddenInput(file, None, VALUE, key) for file, key in used]

    def _undeclared_keys(self) -> Iterator[HiddenInput]:
        for file, names in self._parameter_files().items():
            path = self._places.root / file
            if path.is_file():
                for key in undeclared_keys(read_text(path), path.suffix, names):
                    yield HiddenInput(file, None, DIFFERS, key)

    def _opens_parameters(self) -> bool:
        """Tell whether it opens a file of parameters at all, as far as that is known."""
        opened = {place.path for place in self._reads.undeclared} | self._reads.opened
        return bool(why_not_traced()) or not opened.isdisjoint(self._parameter_files())

    def _candidates(self, found: Sequence[HiddenInput]) -> Iterator[HiddenInput]:
        """Yield what the stage may lack besides what was found."""
        yield from self._undeclared_keys()
        known = {each.path for each in found}
        if why_not_traced():
            paths = [*self._places.tracked_from_root(), *self._places.bookkeeping()]
            yield from (
                HiddenInput(each, Kind.REPOSITORY, DIFFERS)
                for each in paths
                if each not in known and self._is_undeclared(each)
            )
            return
        for kind in COUNT_BY_EFFECT:
            for place in self._reads.undeclared:
                if place.kind is kind and place.path not in known:
                    yield HiddenInput(place.path, kind, DIFFERS)
        for folder in sorted(self._reads.listed):
            if self._files_in_folder(folder):
                yield HiddenInput(folder, None, LISTED)

    def _files_of(self, hidden: HiddenInput) -> list[str]:
        if hidden.how == LISTED:
            return self._files_in_folder(hidden.path)
        return [hidden.path] if hidden.kind not in (Kind.HOME, Kind.CHECKOUT) else []

    def _files_in_folder(self, folder: str) -> list[str]:
        """Return the files of the repository that lie in a folder and are not declared."""
        files = self._places.tracked_from_root()
        return [
            each
            for each in files
            if (os.path.dirname(each) or ".") == folder and self._is_undeclared(each)
        ]

    def _is_undeclared(self, path: str) -> bool:
        entries = [*self._stage.inputs, *self._stage.outputs, *self._stage.parameters]
        declared = {each.path for each in entries} | set(self._code)
        return not any(each in declared for each in (path, *map(str, Path(path).parents)))

    def _parameter_files(self) -> dict[str, Collection[str]]:
        """Return the declared parameters by file; none of a file that is opened undeclared."""
        declared: dict[str, Collection[str]] = {
            each.path: each.names for each in self._stage.parameters if each.names
        }
        opened = {place.path for place in self._reads.undeclared}
        others = self._places.parameter_files & opened
        whole = {each.path for each in self._stage.parameters if not each.names}
        return {**dict.fromkeys(others - whole, ()), **declared}

    def _unopened(self) -> tuple[str, ...]:
        return tuple(
            each.path for each in self._stage.inputs if each.path not in self._reads.opened
        )

    def _hashes(self) -> dict[str, RecordedHash | None]:
        root = self._places.root
        found = {}
        for output in self._stage.outputs:
            recorded = output.recorded
            algorithm = recorded.algorithm if recorded else MD5
            if algorithm in CHECKABLE and not output.is_external:
                found[output.path] = found_hash(root / output.path, algorithm, root)
        return found

    def _remove_outputs(self) -> None:
        for output in self._stage.outputs:
            if not output.is_external:
                remove_path(self._places.root / output.path)

    def _files_in_tree(self) -> Iterator[str]:
        for folder, folders, files in os.walk(self._places.tree):
            if ".git" in folders:
                folders.remove(".git")
            yield from (os.path.join(folder, each) for each in files)
