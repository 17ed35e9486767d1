"""A store whose project was moved or copied: MLflow records absolute locations of artifacts.

The artifacts of a database within the project lie in the project's folder mlartifacts. Where the
database names such a folder of another place, the locations are rewritten, so that models are found
in the new place and nothing is written to the old one, which after a copy is another project's.
"""

from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    Connection,
    String,
    column,
    func,
    inspect,
    select,
    table,
    update,
)

from linreg.tracking.journal.store_location import local_artifacts, project_root

_LOCATIONS = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
"""The columns of MLflow's database that hold locations of artifacts, by table."""


def relocate_artifacts(connection: Connection, database: Path) -> None:
    """Have the locations of artifacts in a database of the project name its own mlartifacts."""
    if not database.is_relative_to(project_root()):
        return
    tables = set(inspect(connection).get_table_names())
    # There are none yet in a database that MLflow is about to set up.
    if not tables.issuperset(("experiments", "runs")):
        return
    locations = select(_column("experiments", "artifact_location")).distinct()
    for location in connection.scalars(locations).all():
        if location and (left := _left_behind(connection, location, database)):
            # MLflow records some locations as a URI and some as a path.
            forms = ((str(left), str(project_root())), (left.as_uri(), project_root().as_uri()))
            for name in tables.intersection(_LOCATIONS):
                for key in _LOCATIONS[name]:
                    for old, new in forms:
                        _replace_prefix(connection, name, key, old, new)


def local_folder(location: str) -> Path | None:
    """Return the folder of this machine that a location names; None if it is elsewhere."""
    parts = urlsplit(location)
    if parts.scheme == "":
        return Path(location)
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


def _left_behind(connection: Connection, location: str, database: Path) -> Path | None:
    """Return where the project was, or was copied from, if a location is the mlartifacts there."""
    folder, here = local_folder(location), local_artifacts()
    if folder is None or folder.name != here.name or folder.resolve() == here.resolve():
        return None
    original = folder.parent / database.relative_to(project_root())
    is_left = not folder.exists() or original.exists() or _has_artifacts(connection, location)
    return folder.parent if is_left else None


def _has_artifacts(connection: Connection, location: str) -> bool:
    """Tell whether the project's folder has what is recorded as being at the location."""
    for name in {"runs", "logged_models"}.intersection(inspect(connection).get_table_names()):
        recorded = _column(name, _LOCATIONS[name][0])
        within = connection.scalars(select(recorded).where(_is_within(recorded, location)))
        here = local_artifacts().as_uri()
        folders = (local_folder(here + each.removeprefix(location)) for each in within)
        if any(folder and folder.exists() for folder in folders):
            return True
    return False


def _replace_prefix(connection: Connection, name: str, key: str, old: str, new: str) -> None:
    each = table(name, column(key, String))
    changed = new + func.substr(each.c[key], len(old) + 1)
    connection.execute(update(each).where(_is_within(each.c[key], old)).values({key: changed}))


def _column(name: str, key: str) -> ColumnClause[str]:
    return table(name, column(key, String)).c[key]


def _is_within(value: ColumnClause[str], location: str) -> ColumnElement[bool]:
    return (value == location) | value.startswith(f"{location}/", autoescape=True)
