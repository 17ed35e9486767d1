"""Run all stages of a commit again in a clone, and compare every output with dvc.lock.

It works in any git repository with dvc.yaml and dvc.lock, whatever its stages run, and takes
nothing from a cache but the inputs. Where no commit has dvc.lock yet, the files in the working tree
are verified. The exit code is 0 when every byte is the same, 1 when something differs, 2 when a
stage could not be run.
"""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from linreg.errors import UserError
from linreg.git import git
from linreg.merging.conflicts import require_no_conflicts
from linreg.params.edit import set_values
from linreg.params.file import PARAMS_FILE, load_params
from linreg.plain_yaml import read_yaml
from linreg.verify.description import describe_checkout, describe_results
from linreg.verify.hidden_inputs.report import (
    all_complete,
    describe_examinations,
    examinations_as_json,
    examine_stages,
)
from linreg.verify.linreg_stages import has_linreg_stages, stage_environment
from linreg.verify.matrix import Configuration, ConfigurationResult, configurations, run_matrix
from linreg.verify.repository.checkout import Checkout, checkout
from linreg.verify.repository.pipeline_run import run_pipeline
from linreg.verify.repository.project_folder import enter_project
from linreg.verify.repository.results import StageResult, exit_code, require_run
from linreg.verify.variations.report import chosen_here, describe_variations, runs_as_json, runs_of
from linreg.verify.working_tree import SUBJECT, commit_of_working_tree, has_committed_lock

MOST_FILES = 5
HEAD = "HEAD"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "commit",
        nargs="?",
        metavar="COMMIT",
        help="the commit to verify, such as a tag; by default the last one (HEAD)",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--quick", action="store_true", help="run the stages once (the default)")
    how.add_argument(
        "--matrix",
        action="store_true",
        help="run them with 1, 2 and 4 workers, 1 and 2 threads, and as on older CPUs",
    )
    how.add_argument(
        "--declared-only",
        action="store_true",
        help="run each stage once more with nothing of the repository but what it declares, and "
        "name what it reads besides",
    )
    how.add_argument(
        "--vary",
        nargs="?",
        const="",
        metavar="NAMES",
        help="run them with another path, date, locale, user and so on, and name what changes a "
        "value; NAMES, such as locale,umask, are those to vary",
    )
    parser.add_argument(
        "-S",
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="changes",
        help="change a parameter, such as split.shards=8; the first run is then what the others "
        "are compared with",
    )
    parser.add_argument(
        "--stage",
        action="append",
        default=[],
        metavar="NAME",
        dest="stages",
        help="run this stage alone, on its recorded inputs; may be given several times",
    )
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="run up to N stages at the same time"
    )
    parser.add_argument("--json", action="store_true", help="print the results as JSON")


def run(args: argparse.Namespace) -> int:
    """Print what was compared, and whether it is the same."""
    start = time.monotonic()
    if args.jobs < 1:
        raise UserError("--jobs", "must be at least 1", found=args.jobs)
    _require_one_way(args)
    enter_project()
    require_no_conflicts(Path(), ("dvc.lock", "dvc.yaml", PARAMS_FILE.name))
    changes = dict(_change(text) for text in args.changes)
    # Says why there is no repository, where git refuses the folder.
    git("rev-parse", "--show-toplevel")
    # A new project can be verified before its first commit.
    is_new = args.commit is None and not has_committed_lock()
    commit = commit_of_working_tree() if is_new else args.commit or HEAD
    with checkout(commit, args.stages) as project:
        if changes:
            _set_parameters(project, changes)
        project.copy_inputs()
        if not args.json:
            _print_description(project, is_head=args.commit is None)
        if args.matrix or changes:
            matrix = configurations() if args.matrix else [Configuration(), Configuration()]
            code = _run_matrix(project, list(matrix), against_first=bool(changes))
        elif args.declared_only:
            code = _run_declared_only(project, as_json=args.json)
        elif args.vary is not None:
            code = _run_varied(project, args.vary, as_json=args.json)
        else:
            code = _run_once(project, args.jobs, as_json=args.json)
    if not args.json:
        same, other = "every byte is the same", "NOT the same"
        if args.declared_only:
            same, other = f"{same}, every input is declared", f"{other}, or NOT declared: see above"
        result = same if code == 0 else other
        print(f"\nverify: {result}; {time.monotonic() - start:.0f} s")
    return code


def _require_one_way(args: argparse.Namespace) -> None:
    """Raise UserError for options that have no effect together."""
    if args.json and (args.matrix or args.changes):
        raise UserError("--json", "prints the results of one run, and not of --matrix or --set")
    option = "--declared-only" if args.declared_only else "--vary"
    if not (args.declared_only or args.vary is not None):
        return
    if args.jobs > 1:
        raise UserError("--jobs", f"with {option}, stages run one at a time", found=args.jobs)
    if args.changes:
        raise UserError("--set", f"is not for {option}", found=", ".join(args.changes))


def _set_parameters(project: Checkout, values: dict[str, Any]) -> None:
    """Write parameters by their names, such as `train.lr`; raises UserError for wrong ones."""
    if not has_linreg_stages(project):
        raise UserError("--set", "changes parameters of linreg's own pipeline, which is not here")
    path = project.folder / PARAMS_FILE
    load_params(path, values)
    set_values(path, values)
    # Templates in dvc.yaml name parameters.
    project.read_stages()


def _run_once(project: Checkout, jobs: int, *, as_json: bool) -> int:
    results = run_pipeline(project, stage_environment(project), jobs=jobs)
    if as_json:
        _print_json(project, results, {})
    else:
        print("\n".join(["", *describe_results(results)]))
    require_run(results)
    return exit_code(results)


def _run_declared_only(project: Checkout, *, as_json: bool) -> int:
    results, examinations = examine_stages(project, stage_environment(project))
    if as_json:
        _print_json(project, results, {"hidden_inputs": examinations_as_json(examinations)})
    else:
        examined = describe_examinations(examinations)
        print("\n".join(["", *describe_results(results), "", *examined]))
    require_run(results)
    return exit_code(results) or int(not all_complete(examinations))


def _run_varied(project: Checkout, names: str, *, as_json: bool) -> int:
    variations = chosen_here(project, names)
    if not as_json:
        print("\n".join(["", *describe_variations(variations), ""]), flush=True)
    runs = []
    for run in runs_of(project, variations):
        runs.append(run)
        if not as_json:
            print("\n".join(run.lines()), flush=True)
    if as_json:
        document = {"commit": project.commit, "variations": runs_as_json(variations, runs)}
        print(json.dumps(document, indent=2, ensure_ascii=False))
    return int(not all(each.same for each in runs))


def _print_json(
    project: Checkout, results: Sequence[StageResult], further: Mapping[str, Any]
) -> None:
    document = {
        "commit": project.commit,
        "identical": exit_code(results) == 0,
        "copied": {each.path: each.how for each in project.copied},
        "stages": [each.as_json() for each in results],
        **further,
    }
    print(json.dumps(document, indent=2, ensure_ascii=False))


def _run_matrix(project: Checkout, matrix: Sequence[Configuration], *, against_first: bool) -> int:
    results = []
    for result in run_matrix(project, matrix, against_first=against_first):
        print("\n".join(_lines(result)), flush=True)
        results.append(result)
    if any(result.error for result in results):
        raise UserError("verify", "not every configuration could be run", todo="see above")
    stages = [each for result in results for each in result.stages or ()]
    require_run(stages)
    return exit_code(stages)


def _lines(result: ConfigurationResult) -> list[str]:
    if result.error:
        return [f"{result.configuration}: COULD NOT BE RUN: {result.error}"]
    if result.stages is None:
        outcome = "the reference for the others"
    else:
        outcome = "DIFFERENT" if exit_code(result.stages) else "same"
    lines = [f"{result.configuration}: {outcome}, {result.seconds:.0f} s"]
    return lines + [f"  {each}" for each in result.differences]


def _print_description(project: Checkout, *, is_head: bool) -> None:
    print("\n".join(describe_checkout(project)), flush=True)
    # Not the rest of a larger repository.
    status = git("-c", "core.quotePath=false", "status", "--porcelain", "--", ".").splitlines()
    copied = {f"?? {each.path}" for each in project.copied}
    changed = [line for line in status if line not in copied]
    if changed and is_head and project.subject != SUBJECT:
        print(f"uncommitted changes are not verified: {_first_files(changed)}")


def _first_files(status: Sequence[str]) -> str:
    more = f" and {len(status) - MOST_FILES} more" if len(status) > MOST_FILES else ""
    return ", ".join(line[3:] for line in status[:MOST_FILES]) + more


def _change(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UserError("--set", "must be KEY=VALUE", found=text, todo="such as split.shards=8")
    return name, read_yaml(value, f"--set {name}")
