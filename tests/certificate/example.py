"""A small project with outputs of every kind, its certificate, and keys to sign it with."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from linreg.certificate.issue import inputs_in, issue, locks_in, stage_of, subjects_in
from linreg.certificate.statement import (
    Environment,
    Execution,
    Machine,
    Source,
    SourceDigest,
    Statement,
)

FILES = {
    "dvc.lock": "schema: '2.0'\nstages: {}\n",
    "data/input.csv": "x,y\n1,2\n",
    "metrics.json": '{"r2": 0.5}\n',
    "models/größe.txt": "θ = 2.0\n",
    "models/model/a.json": "{}\n",
    "models/model/deep/b.bin": "\0\1\2\3",
    "models/model/deep/z.txt": "the end\n",
}
OUTPUTS = {"fit": ["models/model", "models/größe.txt"], "evaluate": ["metrics.json"]}
PARAMETERS = {"params.yaml": {"train.lr": 0.1, "train.epochs": 20, "model": {"formula": "y ~ x"}}}
ENVIRONMENT = Environment(
    python="3.11.7",
    implementation="CPython",
    system="Linux 6.1",
    libc="glibc 2.36",
    libraries={"linreg": "0.1.0", "numpy": "2.4.6"},
)
AUTHOR, REFEREE, STRANGER = "author@example.org", "referee@example.org", "stranger"


def write_outputs(folder: Path) -> None:
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def statement_of(folder: Path, cpu: str = "a CPU (x86-64-v3)") -> Statement:
    """Return the statement about the outputs in a folder, as if a commit had been executed."""
    return issue(
        Source(digest=SourceDigest(git_commit="c" * 40, git_tree="7" * 40), folder=""),
        locks_in(folder, ["dvc.lock"]),
        inputs_in(folder, {"data/input.csv": "md5:…", "https://example.org/x": "etag:1"}),
        [stage_of(name, outputs, PARAMETERS) for name, outputs in OUTPUTS.items()],
        subjects_in(folder, [name for outputs in OUTPUTS.values() for name in outputs]),
        ENVIRONMENT,
        Machine(architecture="x86_64", cpu=cpu, cores=2),
        [
            Execution(name="as it is", verdict="identical", difference="", seconds=1.5),
            Execution(name="TZ", verdict="different", difference="metrics.json: at r2", seconds=2),
        ],
        {"linreg": "0.1.0"},
        "2026-01-02T03:04:05Z",
    )


@dataclass(frozen=True)
class Keys:
    """Keys of three people, and the file that allows the author and the referee."""

    folder: Path

    def key(self, name: str) -> Path:
        return self.folder / name.partition("@")[0]

    def public(self, name: str) -> str:
        return self.key(name).with_suffix(".pub").read_text().strip()

    @property
    def allowed(self) -> Path:
        return self.folder / "allowed_signers"


def make_keys(folder: Path) -> Keys:
    keys = Keys(folder)
    for name in (AUTHOR, REFEREE, STRANGER):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", ""]
        subprocess.run([*command, "-f", keys.key(name)], check=True)
    keys.allowed.write_text("".join(f"{name} {keys.public(name)}\n" for name in (AUTHOR, REFEREE)))
    return keys
