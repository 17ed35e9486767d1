"""Twelve kinds of repositories, each with a way to make one of its outputs nondeterministic."""

import hashlib
import shutil
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


def track_data(repository: SmallRepository) -> None:
    """Two files and a folder of which .dvc files hold the hash, and a remote the content."""
    remote = repository.top.parent / f"{repository.top.name}-remote"
    repository.run("dvc", "remote", "add", "-q", "--default", "store", str(remote))
    repository.write({"data/a.csv": "x\n1\n", "data/b.csv": "x\n2\n", "parts/in/c.csv": "x\n3\n"})
    repository.run("dvc", "add", "-q", "data/a.csv", "data/b.csv", "parts")
    repository.run("dvc", "push", "-q")


def keep_on_the_remote_only(repository: SmallRepository) -> None:
    repository.run("dvc", "push", "-q")
    repository.forget("data/a.csv", "data/b.csv", "parts", ".dvc/cache")


def import_from_another(repository: SmallRepository) -> None:
    """A file of another repository of DVC, and one of an address that is a folder."""
    other = SmallRepository(repository.top.parent / f"{repository.top.name}-other")
    other.write({"table.csv": "x\n1\n2\n"})
    other.run("dvc", "add", "-q", "table.csv")
    other.commit()
    plain = repository.top.parent / f"{repository.top.name}-plain.csv"
    plain.write_text("x\n3\n")
    repository.run("dvc", "import", "-q", str(other.top), "table.csv", "-o", "imported.csv")
    repository.run("dvc", "import-url", "-q", str(plain), "copied.csv")


def as_dvc_2_wrote_it(repository: SmallRepository) -> None:
    """The lock and the cache of DVC 2: text files are hashed as if they had no \\r."""
    lock = repository.root / "dvc.lock"
    kept = [line for line in lock.read_text().splitlines() if "hash: md5" not in line]
    crlf, lf = (
        hashlib.md5(text, usedforsecurity=False).hexdigest()
        for text in (b"x\r\n1\r\n2\r\n", b"x\n1\n2\n")
    )
    assert crlf in lock.read_text()
    lock.write_text("\n".join(kept).replace(crlf, lf) + "\n")
    cache = repository.root / ".dvc/cache"
    for path in list((cache / "files/md5").glob("*/*")):
        target = cache / path.parent.name
        target.mkdir(exist_ok=True)
        path.rename(target / path.name)
    shutil.rmtree(cache / "files")
    entry = cache / lf[:2] / lf[2:]
    entry.parent.mkdir(exist_ok=True)
    entry.write_text("x\r\n1\r\n2\r\n", newline="")
    repository.run("git", "commit", "-qam", "as DVC 2 wrote it")


SHELL = Kind(
    files={
        "in.txt": "3\n1\n2\n",
        "dvc.yaml": """
            stages:
              sort:
                cmd:
                - sort in.txt > sorted.txt
                - echo end >> sorted.txt
                deps: [in.txt]
                outs: [sorted.txt]
              count:
                cmd: |
                  wc -l < sorted.txt > count.txt
                  echo 0 >> count.txt
                deps: [sorted.txt]
                outs: [count.txt]
            """,
    },
    stages=("sort", "count"),
    stage="count",
    output="count.txt",
    noise=("echo 0", f"echo {NANOSECONDS}"),
    fabricated="4\n1\n",
    words="count.txt: line 2, column 1: '1' became '0'",
)
PYTHON = Kind(
    files={
        "fit.py": """
            import csv, random, sys
            random.seed(1)
            with open("table.csv", "w", newline="") as file:
                rows = csv.writer(file, lineterminator="\\n")
                rows.writerow(["epoch", "loss"])
                rows.writerows([[i, i + random.random()] for i in range(3)])
            """,
        "dvc.yaml": """
            stages:
              fit:
                cmd: python fit.py
                deps: [fit.py]
                outs: [table.csv]
            """,
    },
    stages=("fit",),
    stage="fit",
    output="table.csv",
    noise=("random.seed(1)", "random.seed()"),
    fabricated="epoch,loss\n0,0.5\n",
    words="table.csv: column loss, row 1: 0.5 became 0.13436424411240122 (",
)
FOREACH = Kind(
    files={
        "params.yaml": "countries: {de: {n: 1}, fr: {n: 2}}\n",
        "dvc.yaml": """
            stages:
              fetch:
                foreach: ${countries}
                do:
                  cmd: 'echo "n: ${item.n}" > ${key}.yaml; echo "m: 1" >> ${key}.yaml'
                  params: ["countries.${key}"]
                  outs: ["${key}.yaml"]
              join:
                cmd: cat de.yaml fr.yaml > all.txt
                deps: [de.yaml, fr.yaml]
                outs: [all.txt]
            """,
    },
    stages=("fetch@de", "fetch@fr", "join"),
    stage="fetch@fr",
    output="fr.yaml",
    noise=("m: 1", f"m: {NANOSECONDS}"),
    fabricated="n: 3\nm: 1\n",
    words="fr.yaml: n: 3 became 2",
)
MATRIX = Kind(
    files={
        "dvc.yaml": """
            stages:
              fit:
                matrix:
                  model: [a, b]
                  size: [1, 2]
                cmd: >-
                  echo '{"model": "${item.model}", "size": ${item.size}, "x": 1}' > ${key}.json
                outs: ["${key}.json"]
            """
    },
    stages=("fit@a-1", "fit@a-2", "fit@b-1", "fit@b-2"),
    stage="fit@b-1",
    output="b-1.json",
    noise=('"x": 1}\'', f"\"x\": '{NANOSECONDS}'1}}'"),
    fabricated='{"model": "b", "size": 1, "x": 2}\n',
    words="b-1.json: x: 2 became 1",
)
VARS = Kind(
    files={
        "settings.json": '{"folder": "out", "lines": 3}',
        "params.yaml": "word: yes it is\nopt: {a: 1}\n",
        "dvc.yaml": """
            vars:
            - settings.json
            - name: result
            stages:
              write:
                vars: [{extra: more}]
                cmd: mkdir -p ${folder} && echo ${word} ${opt} ${extra} 0 > ${folder}/${name}.txt
                params: [word, opt]
                outs: ["${folder}/${name}.txt"]
            """,
    },
    stages=("write",),
    stage="write",
    output="out/result.txt",
    noise=("0 >", f"{NANOSECONDS} >"),
    fabricated="yes it is --a 2 more 0\n",
    words="out/result.txt: line 1, column 15: 'yes it is --a 2 more 0' became 'yes it is --a 1 m",
)
WDIR = Kind(
    files={
        "raw/in.txt": "b\na\n",
        "work/here/.keep": "",
        "dvc.yaml": """
            stages:
              sort:
                wdir: work/here
                cmd: sort ../../raw/in.txt > ../../sorted.txt; echo 1 > own.txt
                deps: [../../raw/in.txt]
                outs: [../../sorted.txt, own.txt]
            """,
    },
    stages=("sort",),
    stage="sort",
    output="work/here/own.txt",
    noise=("echo 1", f"echo {NANOSECONDS}"),
    fabricated="2\n",
    words="work/here/own.txt: line 1, column 1: '2' became '1'",
)
SEVERAL = Kind(
    files={
        "a/dvc.yaml": "stages: {make: {cmd: echo 1 > a.txt, outs: [a.txt]}}\n",
        "b/dvc.yaml": """
            stages:
              make:
                cmd: cat ../a/a.txt ../a/a.txt > b.txt
                deps: [../a/a.txt]
                outs: [b.txt]
            """,
    },
    stages=("a/dvc.yaml:make", "b/dvc.yaml:make"),
    stage="b/dvc.yaml:make",
    output="b/b.txt",
    noise=("cat ../a/a.txt ../a/a.txt", f"echo {NANOSECONDS}"),
    fabricated="1\n2\n",
    words="b/b.txt: line 2, column 1: '2' became '1'",
)
TRACKED = Kind(
    files={
        "dvc.yaml": """
            stages:
              join:
                cmd: cat data/*.csv parts/in/c.csv > joined.csv; echo 0 >> joined.csv
                deps: [data/a.csv, data/b.csv, parts/in]
                outs: [joined.csv]
            """
    },
    prepare=track_data,
    finish=keep_on_the_remote_only,
    stages=("join",),
    stage="join",
    output="joined.csv",
    noise=("echo 0", f"echo {NANOSECONDS}"),
    fabricated="x\n1\nx\n2\nx\n4\n0\n",
    words="joined.csv: column x, row 5: 4 became 3",
)
SUBDIR = Kind(
    below="analysis/of it",
    files={
        "../../top.txt": "1\n",
        "dvc.yaml": """
            stages:
              copy:
                cmd: cat ../../top.txt > copy.txt; echo 0 >> copy.txt
                deps: [../../top.txt]
                outs: [copy.txt]
            """,
    },
    stages=("copy",),
    stage="copy",
    output="copy.txt",
    noise=("echo 0", f"echo {NANOSECONDS}"),
    fabricated="1\n5\n",
    words="copy.txt: line 2, column 1: '5' became '0'",
)
IN_GIT = Kind(
    files={
        "dvc.yaml": """
            stages:
              score:
                cmd: echo '{"r2":' 0.5 '}' > score.json; echo line >> log.txt
                outs:
                - log.txt: {persist: true}
                metrics: [score.json: {cache: false}]
            """
    },
    stages=("score",),
    stage="score",
    output="score.json",
    noise=("0.5", f"0.1{NANOSECONDS}"),
    fabricated='{"r2": 0.25 }\n',
    words="score.json: r2: 0.25 became 0.5 (",
)
FROZEN = Kind(
    files={
        "dvc.yaml": """
            stages:
              download:
                cmd: date +%N > raw.txt
                frozen: true
                outs: [raw.txt]
              update:
                cmd: date +%N > news.txt
                always_changed: true
                outs: [news.txt: {persist: true}]
              now:
                cmd: echo 0 > now.txt
                always_changed: true
                outs: [now.txt]
              use:
                cmd: cat raw.txt news.txt now.txt | tr -d 1-9 > used.txt
                deps: [raw.txt, news.txt, now.txt]
                outs: [used.txt]
            """
    },
    prepare=lambda repository: repository.write({"raw.txt": "7\n"}),
    stages=("download", "update", "now", "use"),
    verdicts={"download": "taken as input", "update": "taken as input"},
    stage="now",
    output="now.txt",
    noise=("echo 0", f"echo 5{NANOSECONDS}"),
    fabricated="1\n",
    words="now.txt: line 1, column 1: '1' became '0'",
)
DVC_2 = Kind(
    files={
        "dvc.yaml": """
            stages:
              make:
                cmd: printf 'x\\r\\n1\\r\\n2\\r\\n' > dos.csv; printf 'y\\n1\\n' > unix.csv
                outs: [dos.csv, unix.csv]
            """
    },
    finish=as_dvc_2_wrote_it,
    stages=("make",),
    stage="make",
    output="unix.csv",
    noise=("printf 'y\\n1\\n'", f"printf 'y\\n{NANOSECONDS}\\n'".replace("'", '"')),
    fabricated="y\n2\n",
    words="unix.csv: column y, row 1: 2 became 1",
)
FOLDER = Kind(
    files={
        ".dvcignore": "*.log\n",
        "make.sh": """
            mkdir -p many/in
            for i in 1 2 3; do echo $i > many/in/$i.txt; done
            echo 0 > many/last.txt
            date +%N > many/not-counted.log
            """,
        "dvc.yaml": "stages: {make: {cmd: sh make.sh, deps: [make.sh], outs: [many]}}\n",
    },
    stages=("make",),
    stage="make",
    output="many",
    member="last.txt",
    noise=("echo 0", f"echo {NANOSECONDS}"),
    fabricated="1\n",
    words="many/last.txt: line 1, column 1: '1' became '0'",
)
IMPORT = Kind(
    files={
        "dvc.yaml": """
            stages:
              join:
                cmd: cat imported.csv copied.csv > joined.csv; echo 0 >> joined.csv
                deps: [imported.csv, copied.csv]
                outs: [joined.csv]
            """
    },
    prepare=import_from_another,
    finish=lambda repository: repository.forget("imported.csv", "copied.csv"),
    stages=("join",),
    stage="join",
    output="joined.csv",
    noise=("echo 0", f"echo {NANOSECONDS}"),
    fabricated="x\n1\n3\n",
    words="joined.csv: column x, row 2: 3 became 2",
)
AWK = Kind(
    files={
        "mean.awk": "{ sum += $1 } END { srand(1); print sum / NR; print 0 }\n",
        "in.txt": "1\n2\n",
        "dvc.yaml": """
            stages:
              mean:
                cmd: awk -f mean.awk in.txt > mean.txt
                deps: [mean.awk, in.txt]
                outs: [mean.txt]
            """,
    },
    stages=("mean",),
    stage="mean",
    output="mean.txt",
    noise=("print 0", '"date +%N" | getline now; print now'),
    fabricated="1.25\n0\n",
    words="mean.txt: line 1, column 3: '1.25' became '1.5'",
)
KINDS = {
    "shell": SHELL,
    "python": PYTHON,
    "foreach": FOREACH,
    "matrix": MATRIX,
    "vars": VARS,
    "wdir": WDIR,
    "several dvc.yaml": SEVERAL,
    "tracked by .dvc files": TRACKED,
    "in a subfolder": SUBDIR,
    "cache: false and persist": IN_GIT,
    "frozen and always_changed": FROZEN,
    "of DVC 2": DVC_2,
    "folder": FOLDER,
    "import": IMPORT,
    "awk": AWK,
}
