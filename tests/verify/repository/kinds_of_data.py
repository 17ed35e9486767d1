"""Repositories whose inputs and outputs are kept in different places."""

import hashlib
import shutil

from tests.verify.repository.kind import NANOSECONDS, Kind
from tests.verify.repository.small_repository import SmallRepository


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
KINDS_OF_DATA = {
    "tracked by .dvc files": TRACKED,
    "in a subfolder": SUBDIR,
    "cache: false and persist": IN_GIT,
    "frozen and always_changed": FROZEN,
    "of DVC 2": DVC_2,
    "folder": FOLDER,
    "import": IMPORT,
}
