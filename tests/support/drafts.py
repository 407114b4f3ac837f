"""Builders for evidence tests: small drafts, a vault in a folder, a clock that stands still."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from core.observations import Role, SignalState
from evidence.draft import (
    ClockPin,
    CodePin,
    Device,
    Draft,
    ModelPin,
    Rule,
    SessionPin,
    SignalFacts,
    SitePin,
    StillImage,
    Subject,
)
from evidence.seal import Vault

START = datetime(2026, 11, 22, 0, 15, 0, tzinfo=UTC)
SEALED = datetime(2026, 11, 22, 0, 20, 0, tzinfo=UTC)
NS = 1_000_000_000
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CLIP = bytes(range(256)) * 8


class StandingClock:
    """A clock tests move by hand."""

    def __init__(self, start: datetime = SEALED) -> None:
        self.now = start

    def now_utc(self) -> datetime:
        return self.now


def case_id(number: int) -> str:
    """Returns a ULID of November 2026 that ends in a number."""
    return "01KWK0000000000000" + f"{number:08d}"


def picture(seed: int, *, size_px: tuple[int, int] = (96, 54)) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Returns a coloured picture, another one for each seed."""
    width, height = size_px
    across = np.linspace(0, 255, width, dtype=np.uint8)[None, :].repeat(height, 0)
    down = np.linspace(0, 255, height, dtype=np.uint8)[:, None].repeat(width, 1)
    return np.stack([across, down, np.full_like(down, (seed * 40) % 256)], axis=2)


def still(role: Role, pts_s: float, *, x_px: float = 20, **changes: Any) -> StillImage:
    """Returns a still of a subject 20 x 12 px large at ``x_px``, lamp on red."""
    plain = StillImage(
        role=role,
        pts_ns=round(pts_s * NS),
        rgb=picture(round(pts_s * 10)),
        xyxy=(x_px, 20, x_px + 20, 32),
        captured_utc=START + timedelta(seconds=pts_s),
        signal=SignalState.RED,
        stream_pts=round(pts_s * 90_000),
        file_index=0,
    )
    return replace(plain, **changes)


def red_light_stills() -> tuple[StillImage, ...]:
    """Returns P1 to P3 of a car driving on."""
    return (
        still(Role.P1_BEFORE, 6.0, x_px=10),
        still(Role.P2_DURING, 7.4, x_px=30),
        still(Role.P3_AFTER, 8.9, x_px=55),
    )


def draft(folder: Path, number: int = 1, **changes: Any) -> Draft:
    """Returns a red-light draft with its clip in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    clip = folder / f"clip-{number}.mp4"
    clip.write_bytes(CLIP + str(number).encode())
    plain = Draft(
        case_id=case_id(number),
        violation_id="V01",
        device=Device(camera_id="CAM-03", device_code="330106000000000301"),
        place="文一西路与古墩路路口",
        direction="由南向北",
        lane="2车道（直行）",
        stills=red_light_stills(),
        clip=clip,
        clip_start_ns=1 * NS,
        clip_end_ns=14 * NS,
        track={"clip_start_ns": NS, "width": 96, "height": 54, "boxes": [[6 * NS, 10.0, 20.0, 30.0, 32.0]]},
        subject=Subject(class_name="car", class_share=0.97),
        rule=Rule(
            id="V01", version="1", parameters={"red_guard_s": 0.5}, facts={"speed_mps": 6.25}, cues=["giving_way"]
        ),
        site=SitePin(site_id="site", sha256="0" * 64, calibration="vehicle_length"),
        model=ModelPin(name="pole", version="1", sha256="1" * 64),
        code=CodePin(version="0.1.0", commit=None),
        session=SessionPin(session_id="S0123456789abcdef", files=[]),
        clock=ClockPin(source="ntp", uncertainty_s=0.2),
        signal=SignalFacts(id="lamp", red_onset_ns=round(2.65 * NS), is_onset_seen=True),
        start_utc=START,
    )
    return replace(plain, **changes)


def vault(folder: Path, clock: StandingClock | None = None) -> Vault:
    """Returns a vault below a folder; the same folder gives the same store and key."""
    return Vault(folder / "evidence", folder / "keys", clock or StandingClock())


def filled_vault(folder: Path, count: int = 3) -> Vault:
    """Returns a vault that holds some sealed cases, numbered from 1."""
    store = vault(folder)
    for number in range(1, count + 1):
        store.seal(draft(folder, number))
    return store


def record(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Returns what the case store would tell of a queued case."""
    return {
        "case_id": case_id(number),
        "state": "QUEUED",
        "plate": "",
        "decisions": [],
        "objection": None,
        "actions": [],
        "audit_head": {"seq": 1, "entry_sha256": "a" * 64},
        **changes,
    }
