"""What a stage has read and does not declare, and what it declares and has never opened."""

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from linreg.verify.hidden_inputs.places import Kind, Place, Places
from linreg.verify.hidden_inputs.trace_log import Action, FileAction
from linreg.verify.repository.stages import Stage


@dataclass
class Reads:
    """What the trace of a stage shows.

    undeclared  what was read and is not declared, with what was done
    listed      folders in the repository whose names were listed, relative to the one with .dvc
    opened      declared inputs that were read, by their paths there
    """

    undeclared: dict[Place, Action] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)
    opened: set[str] = field(default_factory=set)


def reads_of(
    stage: Stage,
    actions: Iterable[FileAction],
    places: Places,
    before: Collection[str],
    code: Collection[str],
) -> Reads:
    """Sort what a stage did with files.

    before  the files in the repository when it began, as absolute paths
    code    files that it declares by its entry in code.lock, relative to the folder with .dvc
    """
    reads = Reads()
    written: set[str] = set()
    declared = _Declared(stage, code)
    for action in actions:
        if _is_among(action.path, written):
            continue
        if action.action is Action.WRITTEN:
            written.add(action.path)
            continue
        for path in {action.path, action.resolved}:
            inner = os.path.relpath(path, places.root)
            reads.opened |= {each for each in declared.inputs if _is_in(inner, each, path)}
        if action.action is Action.LISTED:
            if action.path.startswith(f"{places.tree}{os.sep}") or action.path == str(places.tree):
                reads.listed.add(os.path.relpath(action.path, places.root))
            continue
        place = _place(action, places, before)
        if place is not None and (place := declared.unless_declared(place)) is not None:
            if place.kind is Kind.REPOSITORY and os.path.basename(action.program) == "git":
                place = Place(Kind.BY_GIT, place.path)
            _add(reads.undeclared, place, action.action)
    return reads


def _place(action: FileAction, places: Places, before: Collection[str]) -> Place | None:
    if action.action is Action.MISSED:
        return places.of_missing(action.path)
    if action.path.startswith(f"{places.tree}{os.sep}") and action.path not in before:
        # A folder, or a file that the stage itself has made.
        in_git = action.path.startswith(f"{places.tree}{os.sep}.git{os.sep}")
        return places.of_existing(action.path) if in_git else None
    return places.of_existing(action.path)


def _add(undeclared: dict[Place, Action], place: Place, action: Action) -> None:
    # That it was opened says more than that it was looked for before.
    if action is Action.READ or place not in undeclared:
        undeclared[place] = action


class _Declared:
    """What a stage declares, relative to the folder with .dvc."""

    def __init__(self, stage: Stage, code: Collection[str]) -> None:
        parameters = [each.path for each in stage.parameters]
        self.inputs = [*(each.path for each in stage.inputs), *parameters]
        self._files = [*self.inputs, *code]
        self._outputs = stage.outputs

    def unless_declared(self, place: Place) -> Place | None:
        """Return a place if the stage does not declare it; its own earlier output as such."""
        if place.kind is Kind.HOME:
            full = str(Path(place.path).expanduser())
            return None if any(_is_in(full, each, full) for each in self._files) else place
        if any(_is_in(place.path, each, place.path) for each in self._files):
            return None
        for output in self._outputs:
            if _is_in(place.path, output.path, place.path):
                # DVC removes the others before it runs the stage.
                return Place(Kind.OWN_OUTPUT, output.path) if output.persist else None
        return place


def _is_in(path: str, other: str, full: str) -> bool:
    """Tell whether a path is, or lies in, another; that one may be absolute, as `full` is."""
    compared = full if other.startswith("/") else path
    return PurePosixPath(compared).is_relative_to(other)


def _is_among(path: str, written: set[str]) -> bool:
    """Tell whether a path, or a folder that it lies in, was written by the stage itself."""
    while path not in written:
        parent = os.path.dirname(path)
        if parent == path:
            return False
        path = parent
    return True
