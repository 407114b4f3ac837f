"""The conformance set is exact: every verdict as the law says, at every frame rate."""

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from cli.main import call
from cli.noise import GRID, score_disturbed
from cli.scoring import FRAME_RATES, Report, all_cases, drawn, offence_of, score

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "conformance.md"
GOLDEN_ROW = re.compile(r"\| \d+ \|")
QUICK = 20
"""Every so many scenes are judged in the quick run."""
PER_OFFENCE = 8
OFFENCES = {f"V{number:02}" for number in range(1, 26)} - {"V09", "V17", "V18"}
"""Every offence the rules propose; the others are refused with a reason (rules/needs_model.py)."""
GOLDEN = set(range(1, 16))
"""Golden scenarios that the rules decide; the others are tests of reports, review and screens."""


def judged(step: int, offset: int = 0) -> Report:
    report = Report()
    for case in all_cases()[offset::step]:
        for fps in case.scene.fps or FRAME_RATES:
            report.add(score(case, fps))
    return report


def told(report: Report) -> list[str]:
    return [f"{r.fps:g} fps {r.case.case_id}: missed {r.missed} false {r.false} {r.unsaid}" for r in report.differing]


def test_the_set_is_large_half_legal_and_covers_the_golden_scenarios() -> None:
    cases = all_cases()
    situations = Counter(offence for offence, _ in {(offence_of(case), case.family) for case in cases})
    lawful = Counter(offence for offence, _ in {(offence_of(case), case.family) for case in cases if case.is_legal})
    assert set(situations) == OFFENCES
    assert len(cases) >= 320
    assert min(situations.values()) >= PER_OFFENCE
    assert not [offence for offence in OFFENCES if lawful[offence] < situations[offence] / 2]
    assert {case.scene.golden for case in cases} >= GOLDEN
    assert len({case.case_id for case in cases}) == len(cases)


def test_every_golden_scenario_is_where_the_page_says() -> None:
    table = [line.split("|")[1:-1] for line in PAGE.read_text(encoding="utf-8").splitlines() if GOLDEN_ROW.match(line)]
    told = {int(row[0]): set(re.findall(r"`(\w+)`", row[3])) for row in table}
    assert list(told) == list(range(1, 21))
    scenes = {(case.scene.golden, case.family) for case in all_cases()}
    tests = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/*/**/test_*.py"))
    for number in range(1, 21):
        assert told[number]
        for name in told[number]:
            assert (number, name) in scenes or f"def {name}(" in tests, name


def test_a_cue_that_does_not_come_is_noticed() -> None:
    case = all_cases(["v01_straight_on_in_red"])[0]
    verdict = case.scene.expected[0].model_copy(update={"cues": ["ambulance"]})
    result = score(replace(case, scene=case.scene.model_copy(update={"expected": [verdict]})), 8)
    assert result.unsaid == (("V01", "ambulance"),)
    assert not result.is_exact


def test_scenes_are_drawn_by_a_seed_half_of_them_lawful() -> None:
    first = drawn(all_cases(), 8, 3)
    assert [c.case_id for c in first] == [c.case_id for c in drawn(all_cases(), 8, 3)]
    assert [c.case_id for c in first] != [c.case_id for c in drawn(all_cases(), 8, 4)]
    assert set(Counter((offence_of(c), c.is_legal) for c in first).values()) == {4}


def test_every_scene_names_an_article() -> None:
    law = re.compile(r"RTSL|Reg|Order|Points Measures|GA/T|GB|DB4403")
    assert not [case.case_id for case in all_cases() if not law.search(case.scene.law)]


def test_a_sample_is_exact() -> None:
    report = judged(QUICK)
    assert told(report) == []
    assert report.is_passed


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_whole_set_is_exact() -> None:
    assert told(judged(1)) == []


def test_a_wrong_verdict_is_noticed() -> None:
    """A guilty scene written down as lawful must differ."""
    case = all_cases(["v01_straight_on_in_red"])[0]
    report = Report()
    report.add(score(replace(case, scene=case.scene.model_copy(update={"expected": []})), 8))
    assert not report.is_passed
    assert report.total(8).false == 1


def test_disturbances_are_seeded_and_never_make_a_lawful_driver_guilty_of_red() -> None:
    worst = next(s for s in GRID if s.name.startswith("middle"))
    cases = [c for c in all_cases(["v01_"]) if c.is_legal][::60]
    first = [score_disturbed(c, worst) for c in cases]
    assert [r.false for r in first] == [()] * len(first)
    assert first == [score_disturbed(c, worst) for c in cases]


def test_the_command_prints_a_table_and_its_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["conform", "v06_along_the_lane", "--fps", "6"]) == 0
    assert "机动车逆行" in capsys.readouterr().out
    assert call(["conform", "v06_along_the_lane", "--fps", "6", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True
    assert call(["conform", "no such scene"]) == 2


def test_a_stay_under_many_ids_convicts_once() -> None:
    """Parking and waiting beyond the line outlast the loss of every identity."""
    lost = next(s for s in GRID if s.name == "id switch every 20 s")
    for name in ("v08_strict_zone_longer", "v08_one_takes_the_place_of_another", "v10_five_together"):
        result = score_disturbed(all_cases([name])[0], lost)
        assert (result.missed, result.false) == ((), ()), name
