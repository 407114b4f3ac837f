"""Every site file we hand out loads, and the example is ready for the rules it shows."""

from pathlib import Path

import pytest

from core.site import load_site
from rules import requirements

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*ROOT.glob("sites/*.yaml"), *ROOT.glob("tests/sites/*.yaml")])


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_site_file_loads_and_is_named_after_its_site(path: Path) -> None:
    assert path.name == f"{load_site(path).site_id.removesuffix('-south')}.site.yaml"


def test_example_is_ready_for_what_it_draws() -> None:
    missing = requirements(load_site(ROOT / "sites" / "example.site.yaml"))
    assert [rule for rule, gaps in missing.items() if not gaps] == ["V01", "V02", "V03", "V05", "V08"]
    assert "unknown" in missing["V04"][0]
