"""A kind of repository, with a way to make one of its outputs nondeterministic."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.verify.repository.small_repository import SmallRepository

NANOSECONDS = "$(date +%N)"


@dataclass(frozen=True)
class Kind:
    """A repository in which every stage gives the same each time.

    files       by their paths
    verdicts    of all stages, in their order; `identical` unless named
    stage       the one whose output is made to differ
    output      its path
    member      the file in it, where it is a folder
    noise       a text in `files` and what takes its place to make that output another one each time
    fabricated  a content of the output that no run has written
    words       what is said of it
    prepare     what is done before the stages run for the first time
    finish      what is done after that
    below       the folder of the project in the git repository
    """

    files: Mapping[str, str]
    stages: tuple[str, ...]
    stage: str
    output: str
    noise: tuple[str, str]
    fabricated: str
    words: str
    verdicts: Mapping[str, str] = field(default_factory=dict)
    member: str = ""
    prepare: Callable[[SmallRepository], None] = lambda _: None
    finish: Callable[[SmallRepository], None] = lambda _: None
    below: str = "."

    def build(self, top: Path, *, noisy: bool = False) -> SmallRepository:
        """Make the repository, run its stages, and commit what DVC records."""
        repository = SmallRepository(top, self.below)
        old, new = self.noise if noisy else ("", "")
        assert not noisy or any(old in text for text in self.files.values())
        repository.write({name: text.replace(old, new) for name, text in self.files.items()})
        self.prepare(repository)
        repository.reproduce()
        self.finish(repository)
        return repository
