"""Write a copy of the report that says who made it, when and from which commit, to hand on.

models/evaluation/report.html has the same bytes for everybody who runs the same commit, so that it
cannot say so itself.
"""

import argparse
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from markupsafe import Markup

from linreg.errors import UserError
from linreg.files import content_hash, missing_output, write_text
from linreg.git import query_git
from linreg.lineage.run_lookup import find_runs_by_hash
from linreg.results.documents import read_documents
from linreg.tracking.journal.source_tags import git_user
from linreg.tracking.journal.store_location import project_root
from linreg.tracking.runs import MODEL, KnownRun

PAGE = Path("models/evaluation/report.html")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where the copy goes."""
    parser.add_argument(
        "output",
        metavar="FILE",
        nargs="?",
        type=Path,
        default=Path("report.html"),
        help="where the copy is written (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Write the copy."""
    root = project_root()
    page = root / PAGE
    if args.output.resolve() == page.resolve():
        todo = "name another file"
        raise UserError(
            args.output, "is an output of the pipeline, which stays as it is", todo=todo
        )
    model = content_hash(root / MODEL)
    (document,) = read_documents(page.parent, "report.json", model={MODEL: model})
    if not page.exists():
        raise missing_output(page)
    runs = find_runs_by_hash(document["hashes"])
    of_model = [each for each in runs if each.produced(document["hashes"]) == "the model"]
    lines = list(provenance(of_model))
    write_text(args.output, with_footer(page.read_text(encoding="utf-8"), lines))
    print("\n".join([*lines, f"report: {args.output}"]))
    return 0


def provenance(runs: Sequence[KnownRun]) -> Iterator[str]:
    """Yield who made the copy, and the newest of the runs of its model: name, start and commit."""
    by = git_user()
    today = datetime.now().strftime("%Y-%m-%d %H:%M")
    yield f"Written {f'by {by} ' if by else ''}on {today}."
    if not runs:
        yield (
            "No run here trained this model: DVC took it from its cache, or a run that only "
            "MLflow has."
        )
        if head := query_git("rev-parse", "HEAD"):
            yield f"The commit in the working folder is {head}."
        return
    newest = runs[0]
    started = datetime.fromtimestamp(newest.started / 1000).strftime("%Y-%m-%d %H:%M")
    commit = newest.tags.get("git.commit")
    changes = (
        " with changes that were not committed" if newest.tags.get("git.dirty") == "true" else ""
    )
    origin = f"commit {commit}{changes}" if commit else "a folder without git"
    yield f"The model was trained on {started} from {origin}, in {newest.label} ({newest.name})."
    if page := newest.tags.get("git.remote"):
        yield f"Repository: {page}"


def with_footer(page: str, lines: Sequence[str]) -> str:
    """Return a page with lines of text at its end."""
    text = Markup("<br>\n").join(lines)
    before, end, after = page.rpartition("</body>")
    footer = Markup('<footer id="provenance">\n<p>{}</p>\n</footer>\n').format(text)
    return f"{before}{footer}{end}{after}"
