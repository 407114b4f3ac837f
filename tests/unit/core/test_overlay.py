"""City overlays: switches and thresholds reach the site, the law's limits and the privacy floor hold."""

from pathlib import Path

import pytest

from core.errors import ConfigError
from core.overlay import FLOOR, Overlay, load_overlay
from core.site import Site

ROOT = Path(__file__).resolve().parents[3]


def site(**rules: object) -> Site:
    return Site.model_validate(
        {"site_id": "s", "place": "p", "camera": {"camera_id": "c", "picture_size_px": (64, 36)}, "rules": rules}
    )


def written(folder: Path, text: str, name: str = "330100.yaml") -> Path:
    path = folder / name
    path.write_text(f'area6: "330100"\nname: x\n{text}', encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted((ROOT / "overlay").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_overlay_handed_out_loads(path: Path) -> None:
    overlay = load_overlay(path)
    assert overlay.is_demo, "an overlay without sources in the repository is a demo"
    assert overlay.applied_to(site()).is_enabled("V07")


def test_thresholds_reach_the_site_and_the_site_wins() -> None:
    overlay = Overlay.model_validate(
        {"area6": "330100", "name": "x", "rules": {"V07": {"enabled": True, "parameters": {"min_distance_m": 20}}}}
    )
    assert overlay.applied_to(site()).parameters("V07")["min_distance_m"] == 20
    own = overlay.applied_to(site(V07={"enabled": False, "parameters": {"min_distance_m": 30, "min_duration_s": 6}}))
    assert not own.is_enabled("V07")
    assert own.parameters("V07")["min_distance_m"] == 30
    assert own.parameters("V07")["min_duration_s"] == 6


def test_what_is_not_named_stays_as_it_is() -> None:
    overlay = Overlay.model_validate(
        {"area6": "330100", "name": "x", "rules": {"V01": {"parameters": {"red_guard_s": 1.0}}, "V07": {}}}
    )
    merged = overlay.applied_to(site(V08={"enabled": False}))
    assert merged.is_enabled("V01")
    assert not merged.is_enabled("V07")
    assert not merged.is_enabled("V08")
    assert merged.sha256() != site(V08={"enabled": False}).sha256(), "evidence pins the law that was applied"


@pytest.mark.parametrize("name", FLOOR)
def test_the_privacy_floor_holds(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"{name} cannot be switched off"):
        load_overlay(written(tmp_path, f"exposure: {{{name}: false}}"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exposure: {max_display_h: 100}", "at most 72 h"),
        ("rules: {V99: {}}", "no violation 'V99'"),
        ("rules: {V07: {parameters: {min_distanse_m: 1}}}", "no parameter 'min_distanse_m'"),
        ("rules: {V07: {fine_typical_cny: 200}}", "outside the law's 5 to 50"),
        ("rules: {V11: {fine_typical_cny: 20}}", "carries no fine"),
        ("rules: {V17: {code: abc}}", "rules.V17.code"),
        ("rules: {V18: {enabled: true}}", "name the local article"),
        ("rules: {V17: {enable: true}}", "unknown key 'enable'"),
        ("rules: [", "not valid YAML"),
    ],
)
def test_mistakes_are_one_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_overlay(written(tmp_path, text))
    assert message in caught.value.message
    assert "\n" not in caught.value.message


def test_file_is_named_after_its_area(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"name the file 330100\.yaml"):
        load_overlay(written(tmp_path, "", "330200.yaml"))
