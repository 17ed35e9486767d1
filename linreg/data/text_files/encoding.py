"""The encoding of a file of text: by its mark, the option, or UTF-8."""

import codecs
from pathlib import Path

from linreg.data.tables.reading_note import ReadingNote
from linreg.params.ingest import ReadOptions

UTF8 = "utf-8"
_MARKS = (
    (codecs.BOM_UTF8, UTF8),
    # Before the mark of UTF-16, with which it begins.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def find_encoding(
    path: Path, start: bytes, options: ReadOptions
) -> tuple[str, int, tuple[ReadingNote, ...]]:
    """Return the name of a codec, the bytes of a mark that it does not read, and notes.

    `start` is the first block of the file, unpacked.
    """
    given = codecs.lookup(options.encoding).name if options.encoding else UTF8
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding, len(mark) if encoding == UTF8 else 0, ()
    return (UTF8 if given == "utf-8-sig" else given), 0, ()
