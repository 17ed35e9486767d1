"""What stages depend on is named, with the value that differs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from linreg.errors import UserError
from linreg.verify.repository.checkout import checkout
from linreg.verify.repository.isolation import isolated_environment
from linreg.verify.variations.catalogue import NAMES as ALL_NAMES
from linreg.verify.variations.catalogue import chosen_variations
from linreg.verify.variations.run import VariedRun, run_varied
from linreg.verify.variations.variation import Variation
from tests.verify.variations.dependent import LOCALE, NAMES, write_repository

# DVC's own.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
Vary = Callable[..., list[VariedRun]]


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have the locales C, C.UTF-8, and one of Germany where its definition is installed."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("locales")
        patch.setenv("LC_ALL", "C.UTF-8")
        if shutil.which("localedef") and Path("/usr/share/i18n/locales/de_DE").exists():
            definition = ("-i", "de_DE", "-f", "UTF-8", str(folder / LOCALE))
            subprocess.run(["localedef", *definition], check=True)
            patch.setenv("LOCPATH", str(folder))
        yield


@pytest.fixture(scope="module")
def vary(tmp_path_factory: pytest.TempPathFactory, locales: None) -> Iterator[Vary]:
    """Run a new repository's stages with variations."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        for name in ("OMP_NUM_THREADS", "OPENBLAS_CORETYPE", "PYTHONHASHSEED", "TZ"):
            patch.delenv(name, raising=False)
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "test")
            patch.setenv(f"GIT_{role}_EMAIL", "test@localhost")

        def run(stages: tuple[str, ...], variations: list[Variation]) -> list[VariedRun]:
            folder = tmp_path_factory.mktemp("varied") / "repository"
            write_repository(folder, stages)
            patch.chdir(folder)
            with checkout() as project:
                project.copy_inputs()
                environment = isolated_environment(project.root, with_our_python=False)
                return list(run_varied(project, variations, environment))

        yield run


@pytest.fixture(scope="module")
def variations(locales: None) -> dict[str, Variation]:
    return {each.name: each for each in chosen_variations((), has_linreg_stages=False)}


@pytest.fixture(scope="module")
def runs(vary: Vary, variations: dict[str, Variation]) -> list[VariedRun]:
    available = [each for each in variations.values() if not each.unavailable]
    return vary((*NAMES, "robust", "unstable"), available)


@pytest.mark.very_slow
@pytest.mark.parametrize("name", NAMES)
def test_the_variation_that_changes_a_value_is_named(
    runs: list[VariedRun], variations: dict[str, Variation], name: str
) -> None:
    if variations[name].unavailable:
        pytest.skip(variations[name].unavailable)
    if name == "locale" and LOCALE not in variations[name].change:
        pytest.skip("no locale with other numbers can be made here")
    single = next(run for run in runs if [each.name for each in run.variations] == [name])
    assert single.different - single.unstable == {f"{name}.json"}
    [finding] = single.findings
    assert finding.startswith(f"stage@{name}: {name}.json: value")


@pytest.mark.very_slow
def test_what_differs_by_itself_is_not_attributed_to_a_variation(runs: list[VariedRun]) -> None:
    again = next(run for run in runs if run.title == "nothing varied, once more")
    assert again.different == {"unstable.json"}


@pytest.mark.very_slow
def test_a_robust_stage_is_the_same_in_every_run(runs: list[VariedRun]) -> None:
    assert all("robust.json" not in run.different for run in runs)


@pytest.mark.slow
def test_one_run_is_enough_where_nothing_differs(
    vary: Vary, variations: dict[str, Variation]
) -> None:
    [run] = vary(("robust",), [variations[name] for name in ("umask", "timezone", "hashseed")])
    assert run.same
    assert run.lines()[0].startswith("all at once: same, ")


@pytest.mark.very_slow
def test_variations_that_matter_only_together_are_named(
    vary: Vary, variations: dict[str, Variation]
) -> None:
    runs = vary(
        ("two_together",),
        [variations[name] for name in ("timezone", "umask", "hashseed", "threads")],
    )
    singles = [run for run in runs if len(run.variations) == 1]
    assert [run.same for run in singles] == [True] * 4
    assert [each.name for each in runs[-1].variations] == ["umask", "threads"]
    assert not runs[-1].same


def test_an_unknown_variation_is_an_error_that_names_all() -> None:
    with pytest.raises(UserError, match=f"there are {', '.join(ALL_NAMES)}; found moon"):
        chosen_variations(["moon"], has_linreg_stages=True)


def test_the_time_zone_is_one_in_which_it_is_another_day(variations: dict[str, Variation]) -> None:
    zone = dict(variations["timezone"].environment)
    days = [
        subprocess.run(
            ["date", "+%F"], env={**os.environ, **each}, capture_output=True, check=True
        ).stdout
        for each in ({"TZ": "UTC"}, zone)
    ]
    assert days[0] != days[1]
