"""Small sealed packages for tests: a drawn junction, a real H.264 clip, a real vault."""

import tempfile
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from cases.records import NewCase
from cases.store import CaseStore
from core.observations import Role, SignalState
from evidence.draft import Draft, StillImage
from evidence.seal import Vault
from tests.support.people import StandingClock, new_case

SIZE = (1280, 720)
CLIP_S = 4
FPS = 10
START = datetime(2026, 11, 22, 0, 15, tzinfo=UTC)
STILLS = ((Role.P1_BEFORE, 1.0), (Role.P2_DURING, 2.0), (Role.P3_AFTER, 3.0))


def box_at(t_s: float) -> tuple[float, float, float, float]:
    """Where the drawn car is: it drives up the picture over the line at y = 400."""
    y = 600 - 130 * t_s
    return (560.0, y, 720.0, y + 100)


def scene(t_s: float, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """A grey road with a white line, a lamp and a car whose driver's head is a pink disc."""
    picture = Image.new("RGB", SIZE, (70, 74, 80))
    draw = ImageDraw.Draw(picture)
    draw.line((200, 400, 1080, 400), fill=(235, 235, 235), width=8)
    draw.rectangle((1100, 60, 1140, 160), fill=(20, 20, 20))
    draw.ellipse((1105, 65, 1135, 95), fill=(255, 40, 30))
    x1, y1, x2, y2 = box_at(t_s)
    draw.rectangle((x1, y1, x2, y2), fill=(40, 90, 170))
    draw.ellipse((x1 + 60, y1 + 20, x1 + 100, y1 + 60), fill=(240, 190, 180))
    draw.rectangle((x1 + 50, y2 - 20, x1 + 110, y2 - 4), fill=(30, 60, 200))
    return np.asarray(picture.resize(size), dtype=np.uint8)


@cache
def clip_bytes() -> bytes:
    """A 4 s H.264 clip of the scene, 640 x 360."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "clip.mp4"
        with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
            stream = container.add_stream("libx264", rate=FPS)
            stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
            stream.time_base = Fraction(1, FPS)
            stream.options = {"preset": "ultrafast", "g": "10", "threads": "1"}
            for index in range(CLIP_S * FPS):
                frame = av.VideoFrame.from_ndarray(scene(index / FPS, (640, 360)), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path.read_bytes()


def draft(case: NewCase, folder: Path) -> Draft:
    """The draft of a car that runs a red light."""
    clip = folder / f"{case.case_id}.mp4"
    clip.write_bytes(clip_bytes())
    moments = [{"role": str(role), "pts_ns": round(t * 1e9)} for role, t in STILLS]
    return Draft(
        case_id=case.case_id,
        violation_id=case.violation_id,
        device={"camera_id": case.camera_id, "device_code": "320381000000012345"},
        place=case.place,
        direction=case.direction,
        stills=tuple(
            StillImage(
                role=role,
                pts_ns=round(t * 1e9),
                captured_utc=START + timedelta(seconds=t),
                rgb=scene(t),
                xyxy=box_at(t),
                signal=SignalState.RED,
            )
            for role, t in STILLS
        ),
        clip=clip,
        clip_start_ns=0,
        clip_end_ns=CLIP_S * 1_000_000_000,
        track={
            "clip_start_ns": 0,
            "width": SIZE[0],
            "height": SIZE[1],
            "boxes": [[round(i * 1e8), *box_at(i / 10)] for i in range(CLIP_S * FPS)],
            "lines": [{"id": "south", "kind": "stop_line", "points": [[200, 400], [1080, 400]]}],
            "signal": {"id": "south", "states": [[0, "green"], [500_000_000, "red"]], "until_ns": 4_000_000_000},
            "moments": moments,
        },
        subject={"class_name": "CAR", "class_share": 0.97},
        rule={
            "id": case.violation_id,
            "version": "1",
            "parameters": {"red_guard_s": 0.5},
            "facts": {"front_crossed_s": 1.5, "red_elapsed_s": 1.0},
            "cues": list(case.cues),
        },
        site={"site_id": case.site_id, "sha256": "d" * 64, "calibration": "vehicle_length"},
        model={"name": "pole", "version": "1", "sha256": "e" * 64},
        code={"version": "0.1.0", "commit": None},
        session={"session_id": case.session_id, "files": [{"name": "a.mp4", "size_bytes": 1, "sha256": "f" * 64}]},
        start_utc=START,
        signal={"id": "south", "red_onset_ns": 500_000_000, "is_onset_seen": True},
    )


def seal_case(store: CaseStore, vault: Vault, folder: Path, number: int = 1, **changes: object) -> str:
    """Seals a package and queues its case; returns the id."""
    case = new_case(number, **changes)
    sealed = vault.seal(draft(case, folder))
    store.add_case(
        new_case(number, manifest_sha256=sealed.manifest_sha256, entry_sha256=sealed.entry_sha256, **changes)
    )
    return case.case_id


def open_vault(folder: Path, clock: StandingClock | None = None) -> Vault:
    """A vault of its own keys."""
    return Vault(folder / "evidence", folder / "keys", clock or StandingClock())


class DiscMasker:
    """A masker for the drawn scene: covers driver and plate with black, as the real one does."""

    def mask(self, jpeg: bytes) -> bytes:
        import io

        picture = Image.open(io.BytesIO(jpeg)).convert("RGB")
        rgb = np.asarray(picture).astype(int)
        skin = (rgb[..., 0] > 200) & (rgb[..., 1] > 150) & (rgb[..., 1] < 225) & (rgb[..., 2] < 215)
        plate = (rgb[..., 2] > 180) & (rgb[..., 0] < 60)
        draw = ImageDraw.Draw(picture)
        for found in (skin, plate):
            ys, xs = np.nonzero(found)
            if len(xs):
                draw.rectangle(
                    (int(xs.min()) - 4, int(ys.min()) - 4, int(xs.max()) + 4, int(ys.max()) + 4), fill=(0, 0, 0)
                )
        target = io.BytesIO()
        picture.save(target, "JPEG", quality=90)
        return target.getvalue()
