"""What makes the text of a file unreadable from some place on."""

from pathlib import Path

from linreg.errors import UserError


class TextError(UserError):
    """Bytes that cannot be read as text; all that comes before them can.

    num_good  how many of the bytes that were to be checked are text
    """

    def __init__(
        self, path: Path, what: str, *, found: object = None, todo: str = "", num_good: int = 0
    ) -> None:
        super().__init__(path, what, found=found, todo=todo)
        self._parts = path, what, found, todo
        self.num_good = num_good

    def in_row(self, row: int) -> UserError:
        """Return the same error with the row of the file in which it is."""
        path, what, found, todo = self._parts
        return UserError(f"{path}: row {row}", what, found=found, todo=todo)
