"""What `lukou process` says about lamps."""

import json
from pathlib import Path

import pytest

from cli.process import load_feed, report_facts, show_lamps
from core.errors import ConfigError
from core.observations import SignalFault
from core.site import load_site
from pipeline.process import RunReport

SITE = Path(__file__).parents[3] / "sites" / "example.site.yaml"


def report() -> RunReport:
    fault = SignalFault(signal_id="near", kind="red_too_long", start_ns=181 * 10**9, end_ns=300 * 10**9)
    return RunReport(
        session_id="S",
        found=(),
        new_cases=0,
        undecided={},
        counts={},
        footage_s=300.0,
        wall_s=10.0,
        was_complete=False,
        faults=(fault,),
        feed={"messages": 40, "bad_lines": 2},
    )


def test_lamps_at_fault_and_unused_messages_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    show_lamps(report())
    told = capsys.readouterr().out
    assert "near" in told
    assert "red too long" in told
    assert "signal feed: bad lines 2, messages 40" in told


def test_json_gives_every_span() -> None:
    facts = json.loads(json.dumps(report_facts(report(), None)))
    assert facts["signal_faults"] == [{"signal": "near", "kind": "red_too_long", "start_s": 181.0, "end_s": 300.0}]
    assert facts["signal_feed"] == {"messages": 40, "bad_lines": 2}


def test_feed_for_a_site_whose_lamps_are_only_seen_is_refused(tmp_path: Path) -> None:
    feed = tmp_path / "feed.jsonl"
    feed.write_text('{"signal": "near", "utc": "2026-11-22T08:15:00+08:00", "state": "red"}\n', encoding="utf-8")
    assert load_feed(None, load_site(SITE)) is None
    with pytest.raises(ConfigError, match=r"says nothing about any signal .*unknown_signal 1"):
        load_feed(feed, load_site(SITE))
