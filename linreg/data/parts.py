"""The files of train, validation and test, as the split stage has written them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from linreg.data.formula.design import Design
from linreg.data.rows import CACHE_BYTES, Rows
from linreg.data.tables.integrity import require_same_table, seal_hash
from linreg.data.tables.parquet import TableFile
from linreg.data.tables.prefetch import prefetch
from linreg.errors import UserError
from linreg.files import read_document
from linreg.process.workers import ALONE, Workers


def training_shards(split: Path, *documents: Path) -> list[Path]:
    """Return the files of the training rows in the folder of the split stage.

    Raises UserError unless all files of the split exist and are those that split.json names, and
    the documents, which ingest has written, describe the table that was split.
    """
    require_same_table(split / "split.json", *documents)
    document = read_document(split / "split.json")
    for name, expected in document["files"].items():
        path = split / name
        # Opening the file compares it with its seal, whose hash is compared here.
        TableFile(path)
        if (found := seal_hash(path)) != expected:
            raise UserError(
                path,
                "belongs to another split than split.json",
                found=f"a seal with MD5 {found}",
                todo="run `dvc repro` to make it again",
            )
    num_shards = len(document["shards"])
    return [split / "train" / f"shard-{index:05d}.parquet" for index in range(num_shards)]


@dataclass(frozen=True)
class RowGroups:
    """The row groups of a process's files, which it owns as a whole; each pass reads them again."""

    paths: Sequence[Path]
    workers: Workers = ALONE

    def __iter__(self) -> Iterator[pa.Table]:
        return prefetch(
            row_group
            for index in self.workers.own_range(len(self.paths))
            for row_group in TableFile(self.paths[index]).row_groups()
        )


def open_shards(
    paths: Sequence[Path], design: Design, workers: Workers = ALONE, cache_bytes: int = CACHE_BYTES
) -> list[Rows]:
    """Open all shards; each process owns whole shards, which share `cache_bytes` of memory."""
    shards = [Rows(path, design) for path in paths]
    own = workers.own_range(len(shards))
    for index, shard in enumerate(shards):
        shard.own = range(shard.num_chunks if index in own else 0)
        cache_bytes -= shard.limit_cache(cache_bytes)
    return shards


def open_parts(
    split: Path, shards: Sequence[Path], design: Design, workers: Workers = ALONE
) -> dict[str, list[Rows]]:
    """Open the shards of the training rows, and validation and test, by the names of the parts."""
    parts = {"train": open_shards(shards, design, workers)}
    for name in ("validation", "test"):
        parts[name] = [open_part(split / f"{name}.parquet", design, workers)]
    return parts


def open_part(path: Path, design: Design, workers: Workers = ALONE) -> Rows:
    """Open a file whose chunks are divided among the processes: validation or test."""
    rows = Rows(path, design)
    rows.own = workers.own_range(rows.num_chunks)
    return rows
