"""What the merge of other files has led to, as far as it is known."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from linreg.files import file_hash
from linreg.git import query_git
from linreg.merging.three_way import ABSENT, UNKNOWN
from linreg.plain_yaml import read_yaml


@dataclass
class Workspace:
    """The folder of a dvc.lock that is merged.

    `is_merged` says whether the other files there are merged already. They are not while git
    merges: then the hashes and parameters that both sides have recorded are all that is known.
    """

    folder: Path
    is_merged: bool
    _documents: dict[str, Any] = field(default_factory=dict)

    def hash_of(self, path: str, recorded: Any) -> Any:
        """Return the hash of an input that no stage writes; `recorded` where git has no such file.

        What DVC has instead, such as a large table, is not checked out yet.
        """
        is_known = self.is_merged and self.is_in_git(path) and (self.folder / path).is_file()
        return file_hash(self.folder / path) if is_known else recorded

    def parameter(self, file: str, name: str, recorded: Any) -> Any:
        """Return the value of a parameter; `recorded` where its file is not merged, or not YAML."""
        path = self.folder / file
        if not self.is_merged or path.suffix not in (".yaml", ".yml", ".json"):
            return recorded
        if file not in self._documents:
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
            self._documents[file] = read_yaml(text, file)
        value = self._documents[file]
        for key in name.split("."):
            value = value.get(key, ABSENT) if isinstance(value, dict) else ABSENT
        return value

    def output(self, path: str, recorded: Any, of_ours: Any) -> Any:
        """Return the hash that an output has after the merge; UNKNOWN if it may have any.

        DVC checks out what git does not have. While git merges, it merges an output that it has by
        itself, and ours is kept where both sides have another one (`linreg merge`).
        """
        if self.is_merged or not self.is_in_git(path):
            return UNKNOWN
        return of_ours if recorded is UNKNOWN else recorded

    def is_in_git(self, path: str) -> bool:
        """Whether git tracks a file."""
        return path in self._in_git

    def declares(self, stage: str) -> bool:
        """Whether dvc.yaml has a stage. Of `fetch@sales` it has the name before the sign."""
        return self._stages is None or stage.partition("@")[0] in self._stages

    @cached_property
    def _stages(self) -> Any:
        path = self.folder / "dvc.yaml"
        try:
            # In a third of the time of `read_yaml`.
            document = YAML(typ="safe").load(path.read_bytes())
        except (OSError, ValueError, YAMLError):
            return None
        return document.get("stages") if isinstance(document, dict) else None

    @cached_property
    def _in_git(self) -> frozenset[str]:
        listing = query_git("ls-files", "-z", folder=self.folder)
        return frozenset((listing or "").split("\0"))
