"""A small git repository with stages of DVC, run once and committed."""

import json
import shutil
import tempfile
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from linreg.files import content_hash, file_hash, files_in
from tests.project import Project


class SmallRepository:
    """A git repository in a folder, whose project of DVC may lie in a subfolder of it."""

    def __init__(self, top: Path, below: str = ".") -> None:
        top.mkdir(parents=True, exist_ok=True)
        self.top = top
        self.root = top / below
        self.root.mkdir(parents=True, exist_ok=True)
        self.project = Project(self.root, sends=False)
        self.run("git", "init", "-q", "-b", "main", str(top))
        self.run("dvc", "init", "-q", *(["--subdir"] if below != "." else []))

    def run(self, *command: str) -> str:
        """Run a command in the project's folder; return what it prints."""
        return self.project.run(*command).stdout

    def write(self, files: Mapping[str, str]) -> None:
        """Write text files by their paths in the project's folder."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), newline="")

    def commit(self) -> None:
        self.run("git", "add", "--all", ":/")
        self.run("git", "commit", "-q", "-m", "state")

    def reproduce(self) -> None:
        """Run all stages, and commit what DVC records."""
        self.run("dvc", "repro", "-q", "--all-pipelines")
        self.commit()

    def verify(self, *options: str, code: int = 0) -> str:
        done = self.project.run("linreg", "verify", *options, check=False)
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def verdicts(self, *options: str, code: int = 0) -> dict[str, dict[str, Any]]:
        """Return what `linreg verify --json` says of each stage."""
        document = json.loads(self.verify("--json", *options, code=code))
        assert document["identical"] is (code == 0)
        return {each["stage"]: each for each in document["stages"]}

    def fabricate(self, stage: str, output: str, content: str, *, member: str = "") -> None:
        """Commit a dvc.lock with the hash of another content of an output, which the cache has.

        stage   as dvc.lock names it, or with the path of its dvc.yaml
        member  the file in the output, if that is a folder
        """
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch) / Path(output).name
            original = self.root / output
            (shutil.copytree if original.is_dir() else shutil.copyfile)(original, copy)
            (copy / member).write_text(content)
            for ignored in copy.glob("*.log"):
                ignored.unlink()
            md5 = content_hash(copy)
            self._put_into_cache(copy, md5)
        folder, _, name = stage.rpartition("dvc.yaml:")
        lock = self.root / folder / "dvc.lock"
        document = YAML(typ="safe").load(lock.read_text())
        (entry,) = (
            each
            for each in document["stages"][name]["outs"]
            if Path(each["path"]).name == Path(output).name
        )
        entry["md5"] = md5
        # A JSON document is one of YAML.
        lock.write_text(json.dumps(document, indent=1) + "\n")
        self.run("git", "commit", "-qam", "a fabricated hash")

    def _put_into_cache(self, path: Path, md5: str) -> None:
        if path.is_dir():
            files = {each.relative_to(path).as_posix(): file_hash(each) for each in files_in(path)}
            listing = [{"md5": each, "relpath": name} for name, each in sorted(files.items())]
            self._cached(md5).write_text(json.dumps(listing))
        for file in files_in(path):
            self._cached(file_hash(file)).write_bytes(file.read_bytes())

    def _cached(self, md5: str) -> Path:
        """Return the path of an entry of the cache; its folder is there, and the entry is not."""
        cache = self.root / ".dvc/cache"
        current = cache / "files/md5"
        entry = (current if current.exists() or not cache.exists() else cache) / md5[:2] / md5[2:]
        entry.parent.mkdir(parents=True, exist_ok=True)
        entry.unlink(missing_ok=True)
        return entry

    def forget(self, *paths: str) -> None:
        """Remove files and folders from the working directory."""
        for path in paths:
            inner = self.root / path
            shutil.rmtree(inner) if inner.is_dir() else inner.unlink()
