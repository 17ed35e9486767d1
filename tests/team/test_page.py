"""docs/team.md, followed literally with real servers."""

import pytest

from tests.team.conftest import Team

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.mark.very_slow
def test_the_page_shows_what_its_commands_print(team: Team) -> None:
    assert not team.wrong, "\n".join(team.wrong)
