"""The outputs are changed."""

import os
import random
import shutil
from pathlib import Path

from tests.certificate.manipulations.case import OTHER_DIGEST, Case, flipped, manipulation


def files_of(case: Case) -> list[Path]:
    names = [each["name"] for each in case.statement()["subject"]]
    return [case.folder / name for name in names if (case.folder / name).is_file()]


@manipulation(OTHER_DIGEST)
def a_bit_of_an_output_is_flipped(case: Case, rng: random.Random) -> None:
    file = rng.choice(files_of(case))
    file.write_bytes(flipped(file.read_bytes(), rng))


@manipulation(OTHER_DIGEST)
def an_output_is_cut_off_or_longer(case: Case, rng: random.Random) -> None:
    file = rng.choice(files_of(case))
    data = file.read_bytes()
    file.write_bytes(rng.choice([b"", data[:-1], data + b"\n", data * 2]))


@manipulation("recorded SHA-256 [0-9a-f]+, found no such file")
def an_output_is_removed(case: Case, rng: random.Random) -> None:
    rng.choice(files_of(case)).unlink()


@manipulation("recorded SHA-256 [0-9a-f]+, found no such file|found no such folder")
def an_output_is_renamed(case: Case, rng: random.Random) -> None:
    file = rng.choice([*files_of(case), case.folder / "models/model"])
    file.rename(file.with_name(f"{file.name}~"))


@manipulation("recorded no such file, found one that was added")
def a_file_is_added_to_a_folder(case: Case, rng: random.Random) -> None:
    name = rng.choice(["extra.json", "deep/extra", "deep/er/x", ".hidden", "a.json ", "A.json"])
    path = case.folder / "models/model" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(rng.choice(["", "{}\n"]))


@manipulation("recorded no such file, found one that was added")
def a_link_is_added_to_a_folder(case: Case, rng: random.Random) -> None:
    target = rng.choice(["a.json", "deep", "/etc", "nowhere"])
    (case.folder / "models/model/link").symlink_to(target)


@manipulation("found a symbolic link to|found one behind a symbolic link")
def an_output_is_a_link_to_a_copy(case: Case, rng: random.Random) -> None:
    path = rng.choice([*files_of(case), case.folder / "models/model", case.folder / "models"])
    elsewhere = case.folder.parent / "elsewhere"
    shutil.move(path, elsewhere)
    path.symlink_to(rng.choice([str(elsewhere), os.path.relpath(elsewhere, path.parent)]))


@manipulation("found a folder|found a file|found neither a file nor a folder")
def an_output_is_of_another_kind(case: Case, rng: random.Random) -> None:
    path = rng.choice([*files_of(case), case.folder / "models/model"])
    if path.is_dir():
        shutil.rmtree(path)
        path.write_text("{}\n")
    else:
        path.unlink()
        rng.choice([path.mkdir, lambda: os.mkfifo(path)])()


@manipulation(OTHER_DIGEST)
def outputs_are_swapped(case: Case, rng: random.Random) -> None:
    a, b = rng.sample(files_of(case), 2)
    a_data, b_data = a.read_bytes(), b.read_bytes()
    a.write_bytes(b_data)
    b.write_bytes(a_data)
