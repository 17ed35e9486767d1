"""The merge of two versions of dvc.lock, stage by stage.

After the merge a stage has a command, inputs and parameters, which follow from what both sides have
recorded, from the outputs of the stages before it, and from the files in the workspace where they
are merged already. An entry of either side with just these is kept. Where there is none, no side
has run the stage as it is now: it is left out, and DVC runs it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from linreg.merging.lock_entries import Entries, LockEntry
from linreg.merging.three_way import ABSENT, UNKNOWN, differences, merge_names, merge_values
from linreg.merging.workspace import Workspace

NO_RECORD = "one side has no record of it"
MOST_NAMES = 4


@dataclass(frozen=True)
class Versions:
    """The entries of the common ancestor, of the branch merged into, and of the one merged."""

    base: Entries
    ours: Entries
    theirs: Entries

    def __iter__(self) -> Iterator[Entries]:
        return iter((self.base, self.ours, self.theirs))


@dataclass
class MergedLock:
    """Entries by stage, and in the order of the flow what became of the other stages.

    `left_out` has the reason why a stage must run, `behind` the stages that are kept behind these,
    `unequal` those with other outputs on either side, from equal inputs.
    """

    entries: dict[str, LockEntry] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    behind: list[str] = field(default_factory=list)
    unequal: list[str] = field(default_factory=list)


def merge_locks(versions: Versions, workspace: Workspace) -> MergedLock:
    """Return the merged lock, each entry of which is one of the entries of the versions."""
    merge = _Merge(versions, workspace)
    # An entry stands where it stood on our side; what only the other side has comes after it.
    stages = list(dict.fromkeys([*versions.ours, *versions.theirs]))
    for stage in stages:
        merge.decide(stage)
    merged = merge.merged
    merged.entries = {each: merged.entries[each] for each in stages if each in merged.entries}
    return merged


class _Merge:
    def __init__(self, versions: Versions, workspace: Workspace) -> None:
        self.versions = versions
        self.workspace = workspace
        self.merged = MergedLock()
        self._begun: set[str] = set()
        self._producers = {
            path: stage
            for entries in (versions.ours, versions.theirs)
            for stage, entry in entries.items()
            for path in entry.outputs
        }
        self._outputs_in: dict[str, list[str]] = {}
        for path in self._producers:
            for folder in _parents(path):
                self._outputs_in.setdefault(folder, []).append(path)

    def decide(self, stage: str) -> None:
        """Keep an entry of the stage or leave it out, after the stages that it depends on."""
        if stage in self._begun:
            return
        self._begun.add(stage)
        base, ours, theirs = (entries.get(stage) for entries in self.versions)
        inputs = sorted({path for each in (base, ours, theirs) if each for path in each.inputs})
        before = [each for path in inputs for each in self._producers_of(path).values()]
        for each in before:
            self.decide(each)
        if base and not (ours and theirs):
            # Removed from the pipeline, or not run since an earlier merge.
            if ours or theirs:
                self._leave_out(stage, NO_RECORD)
            return
        expected = self._expected(base, ours, theirs)
        order = (theirs, ours, base) if ours == base else (ours, theirs, base)
        unlike = {id(entry): self._unlike(entry, expected) for entry in order if entry is not None}
        kept = next((each for each in order if each and not unlike[id(each)]), None)
        if kept:
            self.merged.entries[stage] = kept
            if any(each in self.merged.left_out or each in self.merged.behind for each in before):
                self.merged.behind.append(stage)
            both_ran = ours and theirs and ours != base and theirs != base
            if both_ran and not unlike[id(ours)] and not unlike[id(theirs)] and ours != theirs:
                self.merged.unequal.append(stage)
        else:
            names = dict.fromkeys(
                name for each in (ours, theirs) if each for name in unlike[id(each)]
            )
            self._leave_out(stage, f"it was not run with {_listed(list(names))} as merged")

    def _leave_out(self, stage: str, reason: str) -> None:
        """Name a stage, unless dvc.yaml has it no more."""
        # While git merges, dvc.yaml is ours.
        is_new = stage not in self.versions.ours and not self.workspace.is_merged
        if is_new or self.workspace.declares(stage):
            self.merged.left_out[stage] = reason

    def _expected(self, *sides: LockEntry | None) -> LockEntry:
        """Return what an entry of the stage must say; an output that is UNKNOWN may be any."""
        inputs = self._merged_mapping(each.inputs if each else {} for each in sides)
        parameters = self._merged_mapping(each.parameters if each else {} for each in sides)
        for file in parameters:
            values = [each.parameters.get(file, {}) if each else {} for each in sides]
            recorded = self._merged_mapping(values)
            parameters[file] = {
                name: self.workspace.parameter(file, name, value)
                for name, value in recorded.items()
            }
        outputs = self._merged_mapping(each.outputs if each else {} for each in sides)
        of_ours = sides[1].outputs if sides[1] else {}
        return LockEntry(
            "",
            merge_values(*(each.command if each else ABSENT for each in sides)),
            {path: self._hash_of_input(path, value) for path, value in inputs.items()},
            parameters,
            {
                path: self.workspace.output(path, value, of_ours.get(path, UNKNOWN))
                for path, value in outputs.items()
            },
        )

    def _merged_mapping(self, sides: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        base, ours, theirs = sides
        return {
            name: merge_values(*(side.get(name, ABSENT) for side in (base, ours, theirs)))
            for name in merge_names(base, ours, theirs)
        }

    def _unlike(self, entry: LockEntry, expected: LockEntry) -> list[str]:
        """Return what differs between an entry and what it must say."""
        found = [] if entry.command == expected.command else ["its command"]
        found += [
            path
            for path in entry.inputs | expected.inputs
            if entry.inputs.get(path, ABSENT) != expected.inputs.get(path, ABSENT)
        ]
        for file in entry.parameters | expected.parameters:
            values = entry.parameters.get(file, {})
            found += differences(values, expected.parameters.get(file, {}))
        for path in entry.outputs | expected.outputs:
            if (path in entry.outputs) != (path in expected.outputs):
                found.append(f"the output {path}")
            # Where something else differs, so do outputs: they are no reason of their own.
            elif not found and expected.outputs[path] not in (UNKNOWN, entry.outputs[path]):
                found.append(path)
        return found

    def _hash_of_input(self, path: str, recorded: Any) -> Any:
        """Return the hash that an input has after the merge; `recorded` is that by the entries."""
        producers = self._producers_of(path)
        if not producers:
            return self.workspace.hash_of(path, recorded)
        for output, producer in producers.items():
            if output == path:
                return self._hash_of_output(producer, path)
            if output in _parents(path):
                return self._hash_within(producer, output, path)
        all_known = all(each in self.merged.entries for each in producers.values())
        return recorded if all_known else UNKNOWN

    def _producers_of(self, path: str) -> dict[str, str]:
        """Return the stages, by output, that write a path, what holds it, or what lies in it."""
        outputs = [path, *_parents(path), *self._outputs_in.get(path, [])]
        return {each: self._producers[each] for each in outputs if each in self._producers}

    def _hash_of_output(self, stage: str, path: str) -> Any:
        """Return the hash of an output; of a stage that is left out, the one to be expected.

        DVC compares it when the stage has run, so that a wrong one does no harm.
        """
        if entry := self.merged.entries.get(stage):
            return entry.outputs.get(path, UNKNOWN)
        sides = [entries.get(stage) for entries in self.versions]
        hashes = [each.outputs.get(path, ABSENT) if each else ABSENT for each in sides]
        return UNKNOWN if ABSENT in hashes[1:] else merge_values(*hashes)

    def _hash_within(self, stage: str, folder: str, path: str) -> Any:
        """Return the hash of a file in an output, from the versions with the same output."""
        hash_of_folder = self._hash_of_output(stage, folder)
        found = {
            entry.inputs[path]
            for entries in self.versions
            if stage in entries and entries[stage].outputs.get(folder) == hash_of_folder
            for entry in entries.values()
            if path in entry.inputs
        }
        return found.pop() if len(found) == 1 else UNKNOWN


def _parents(path: str) -> list[str]:
    return [str(each) for each in PurePosixPath(path).parents]


def _listed(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join([*names[:MOST_NAMES], *([f"{more} more"] if more > 0 else [])])
