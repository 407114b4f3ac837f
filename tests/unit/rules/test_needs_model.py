"""V17, V18, V26, V09: switching on what nobody can judge here is refused where a run starts."""

import pytest

from core.catalogue import catalogue
from core.errors import ConfigError
from core.site import Site
from pipeline.judge import Judge
from rules import require_judged, requirements
from rules.needs_model import REFUSED


def site(**rules: dict[str, bool]) -> Site:
    return Site.model_validate(
        {"site_id": "s", "place": "p", "camera": {"camera_id": "c", "picture_size_px": (64, 36)}, "rules": rules}
    )


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("V17", "needs model helmet, not installed"),
        ("V18", "needs model riders, not installed"),
        ("V26", "needs model helmet, not installed"),
        ("V09", "reviewer of a V08 case decides"),
    ],
)
def test_a_run_does_not_start(rule: str, why: str) -> None:
    wished = site(**{rule: {"enabled": True}})
    with pytest.raises(ConfigError, match=f"rules.{rule} .*{why}.* remove it"):
        Judge(wished)
    assert why in requirements(wished)[rule][0]


@pytest.mark.parametrize("rule", sorted(REFUSED))
def test_not_switching_it_on_is_fine(rule: str) -> None:
    Judge(site(**{rule: {"enabled": False}}))
    Judge(site())
    assert requirements(site())[rule] == [REFUSED[rule]], "site check says so before anybody tries"


def test_message_is_one_line_and_names_all() -> None:
    with pytest.raises(ConfigError) as caught:
        require_judged(site(V17={"enabled": True}, V26={"enabled": True}, V01={"enabled": True}))
    assert "rules.V17" in caught.value.message
    assert "rules.V26" in caught.value.message
    assert "V01" not in caught.value.message
    assert "\n" not in caught.value.message


def test_every_other_offence_is_judged_or_refused() -> None:
    """Nothing can be switched on and silently do nothing."""
    judged = requirements(site()).keys() - REFUSED.keys()
    for entry in catalogue().violations:
        if entry.id in judged:
            require_judged(site(**{entry.id: {"enabled": True}}))
        else:
            with pytest.raises(ConfigError, match=entry.id):
                require_judged(site(**{entry.id: {"enabled": True}}))
