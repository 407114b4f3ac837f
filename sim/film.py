"""A scene on disk: the clip, its ground truth and its site file."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core.catalogue import catalogue
from core.errors import ConfigError
from sim import junction
from sim.camera import build_camera
from sim.labels import Label
from sim.lettering import Caption
from sim.plates import plate_of
from sim.render import Renderer
from sim.scene import Scene
from sim.sites import CROSSWALK_LAMP, MOTOR_LAMP, build_site, dump_site, lamp_region
from sim.truth import WATCHED, Event, Truth, check_truth, find_truth
from sim.world import STEP_S, Moment, World, build_world

Progress = Callable[[int, int], None]
Frames = list[tuple[float, tuple[Label, ...]]]
_MEASURE_EVERY = 3
"""Frames between two labelled frames of the ground truth."""
_MIN_VISIBILITY = 0.05
_FRAME_S = 0.2
"""What two frames may lie apart: a change is seen this much late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """Files of one rendered scene."""

    video: Path
    truth: Path
    site: Path


def render_film(scene: Scene, out: Path, name: str, progress: Progress, *, is_draft: bool = False) -> Film:
    """Renders a scene into ``out``; a draft leaves edges rough and takes a third of the time.

    Raises:
        ConfigError: the scene does not show what it promises, SUMO, moderngl or ffmpeg is missing.
    """
    world = build_world(scene)
    truth = find_truth(world)
    check_truth(world, truth)
    film = _film(out, name)
    return _write_texts(world, truth, _render_frames(world, film.video, progress, is_draft=is_draft), film)


def measure_film(scene: Scene, out: Path, name: str) -> Film:
    """Writes ground truth and site file of a scene again, without rendering its clip."""
    world = build_world(scene)
    truth = find_truth(world)
    check_truth(world, truth)
    renderer = Renderer(scene)
    frames = [(m.t_s, renderer.measure(m)) for m in _film_moments(world)]
    return _write_texts(world, truth, frames, _film(out, name))


def render_stills(scene: Scene, times_s: list[float], out: Path) -> list[Path]:
    """Renders single frames of a scene as PNG files, without refusing an unusable scene."""
    world = build_world(scene)
    renderer = Renderer(scene)
    caption = Caption(scene.place.camera_id, scene.place.place, scene.camera.picture_size_px)
    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for t_s in times_s:
        moment = world.moments[min(max(round(t_s / STEP_S), 0), len(world.moments) - 1)]
        rendered = renderer.render(moment)
        caption.draw(rendered.bgr, clock_text(scene, moment.t_s))
        paths.append(out / f"{scene.scene_id}_{moment.t_s:05.2f}.png")
        cv2.imwrite(str(paths[-1]), rendered.bgr)
    return paths


def _render_frames(world: World, video: Path, progress: Progress, *, is_draft: bool) -> Frames:
    scene = world.scene
    renderer = Renderer(scene, is_draft=is_draft)
    caption = Caption(scene.place.camera_id, scene.place.place, scene.camera.picture_size_px)
    moments = _film_moments(world)
    found = []
    encoder = _start_encoder(scene, video)
    try:
        for index, moment in enumerate(moments):
            rendered = renderer.render(moment, is_measured=index % _MEASURE_EVERY == 0)
            caption.draw(rendered.bgr, clock_text(scene, moment.t_s))
            encoder.stdin.write(rendered.bgr.tobytes())  # type: ignore[union-attr]
            found.append((moment.t_s, rendered.labels))
            progress(index + 1, len(moments))
    finally:
        encoder.stdin.close()  # type: ignore[union-attr]
        code = encoder.wait()
        renderer.close()
    if code != 0:
        raise ConfigError(f"ffmpeg could not write {video} (exit {code}); check free space and that it has libx264")
    return found


def _film(out: Path, name: str) -> Film:
    out.mkdir(parents=True, exist_ok=True)
    return Film(video=out / f"{name}.mp4", truth=out / f"{name}.truth.json", site=out / f"{name}.site.yaml")


def _film_moments(world: World) -> tuple[Moment, ...]:
    return world.moments[:: round(1 / world.scene.fps / STEP_S)]


def _write_texts(world: World, truth: Truth, frames: Frames, film: Film) -> Film:
    scene = world.scene
    header = f"Site of the synthetic scene '{scene.scene_id}', projected from its camera. Written by sim; do not edit."
    film.site.write_text(dump_site(build_site(scene), header), encoding="utf-8")
    document = build_document(world, truth, frames, film.video.name)
    film.truth.write_text(_compact(document), encoding="utf-8")
    return film


def clock_text(scene: Scene, t_s: float) -> str:
    """Returns the clock drawn into the picture at a clip time."""
    now = scene.start_local + timedelta(seconds=t_s)
    return f"{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 10000:02d}"


def _start_encoder(scene: Scene, video: Path) -> subprocess.Popen[bytes]:
    width, height = scene.camera.picture_size_px
    source = ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{width}x{height}", "-r", f"{scene.fps:g}", "-i", "-"]
    codec = [
        "-c:v",
        "libx264",
        "-preset",
        "medium",
        "-crf",
        "24",
        "-g",
        str(round(2 * scene.fps)),
        "-pix_fmt",
        "yuv420p",
    ]
    tags = ["-metadata", "comment=SYNTHETIC: rendered by lukou sim, nothing in it is real", "-movflags", "+faststart"]
    command = ["ffmpeg", "-loglevel", "error", "-y", *source, *codec, "-threads", "1", *tags, str(video)]
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE)
    except FileNotFoundError as error:
        raise ConfigError("rendering a clip needs ffmpeg, which is not on the path; install ffmpeg") from error


def build_document(world: World, truth: Truth, frames: Frames, video: str) -> dict[str, Any]:
    """Returns the ground truth of a rendered clip as plain data."""
    scene = world.scene
    proven = [e for e in truth.violations if _is_proven(e)]
    labelled = [
        (t, [b for b in labels if b.visibility >= _MIN_VISIBILITY and b.class_id == b.pose.body.class_id])
        for t, labels in frames[::_MEASURE_EVERY]
    ]
    order = sorted({label.pose.actor_id for _, labels in labelled for label in labels})
    number = {name: index for index, name in enumerate(order)}
    kinds = {label.pose.actor_id: label.pose for _, labels in labelled for label in labels}
    lamps = {MOTOR_LAMP: junction.group_of(WATCHED), CROSSWALK_LAMP: junction.ped_group_of(WATCHED)}
    return {
        "scene_id": scene.scene_id,
        "synthetic": True,
        "seed": scene.seed,
        "video": video,
        "width_px": scene.camera.picture_size_px[0],
        "height_px": scene.camera.picture_size_px[1],
        "fps": scene.fps,
        "duration_s": round(len(frames) / scene.fps, 3),
        "weather": scene.weather,
        "start_local": scene.start_local.isoformat(),
        "signals": {name: scene.signals.timeline(group, scene.duration_s) for name, group in lamps.items()},
        "events": [_event(e, frames, f"E{i:02d}") for i, e in enumerate(proven, start=1)],
        "traps": [_event(e, frames, f"T{i:02d}") for i, e in enumerate(truth.traps, start=1)],
        "other_events": [
            {**_event(e, frames, f"O{i:02d}"), "violation_id": other, "kind": kind}
            for i, (e, other, kind) in enumerate(_others(scene, truth), start=1)
        ],
        "tracks": [
            {
                "id": name,
                "class": kinds[name].body.class_id.name.lower(),
                "kind": kinds[name].kind,
                "plate": plate.text if (plate := plate_of(name, kinds[name].kind)) else None,
            }
            for name in order
        ],
        "lamps": _lamps(scene),
        "box_columns": ["track", "x1", "y1", "x2", "y2", "visibility"],
        "boxes": [
            [t, [[number[b.pose.actor_id], *(round(v) for v in b.xyxy), b.visibility] for b in labels]]
            for t, labels in labelled
        ],
        "part_columns": ["track", "part", "x1", "y1", "x2", "y2", "visibility"],
        "parts": [
            [
                t,
                [
                    [number[b.pose.actor_id], d.kind, *d.xyxy, d.visibility]
                    for b in labels
                    for d in b.details
                    if d.visibility >= _MIN_VISIBILITY
                ],
            ]
            for t, labels in labelled
        ],
    }


def _lamps(scene: Scene) -> list[dict[str, Any]]:
    """Returns every lamp housing the camera looks into: where it is in the picture, and its states over time."""
    camera, found = build_camera(scene.camera), []
    for housing in scene.junction.lamp_housings():
        towards = camera.eye - np.array(housing.centre)
        x1, y1, x2, y2 = lamp_region(camera, housing)
        is_inside = x1 >= 0 and y1 >= 0 and x2 <= camera.width_px and y2 <= camera.height_px
        if towards @ np.array([*housing.facing, 0.0]) > 0 and is_inside:
            states = scene.signals.timeline(housing.group, scene.duration_s)
            found.append({"id": housing.housing_id, "region_px": [x1, y1, x2, y2], "states": states})
    return found


def _is_proven(event: Event) -> bool:
    """Tells whether the clip can prove an offence: a lamp red since before it must be seen red for the guard first."""
    if event.violation_id != "V04":
        return True
    return event.t_start_s >= float(catalogue().get("V04").detect["red_guard_s"]) + _FRAME_S


def _others(scene: Scene, truth: Truth) -> list[tuple[Event, str, str]]:
    """Returns what is true as well: further offences of who stands, and offences the clip begins too late to prove."""
    also = {a.id: a.also for a in scene.cast}
    stands = [e for e in (*truth.violations, *truth.traps) if e.kind in ("illegal_parking", "stopped_briefly")]
    further = [(e, other, "not_in_the_first_rules") for e in stands for other in also.get(e.track, [])]
    return further + [(e, str(e.violation_id), "begins_with_the_clip") for e in truth.violations if not _is_proven(e)]


def _event(event: Event, frames: Frames, name: str) -> dict[str, Any]:
    # Only every so many frames are measured; the others know boxes, not what hides them.
    _, labels = min(frames[::_MEASURE_EVERY], key=lambda frame: abs(frame[0] - event.t_start_s))
    own = (b for b in labels if b.pose.actor_id == event.track and b.class_id == b.pose.body.class_id)
    label = next(own, None)
    return {
        "id": name,
        "violation_id": event.violation_id,
        "kind": event.kind,
        "subject": event.subject,
        "track": event.track,
        "is_scripted": event.is_scripted,
        "t_start_s": round(event.t_start_s, 1),
        "t_end_s": round(event.t_end_s, 1),
        "bbox": None if label is None else [round(v) for v in label.xyxy],
        "visibility": None if label is None else label.visibility,
    }


def _compact(document: dict[str, Any]) -> str:
    """Returns JSON with one line per event, track and labelled frame."""
    lines = []
    for key, value in document.items():
        if key in ("events", "traps", "tracks", "lamps", "boxes", "parts") and value:
            rows = ",\n  ".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in value)
            lines.append(f' "{key}": [\n  {rows}\n ]')
        else:
            lines.append(f' "{key}": {json.dumps(value, ensure_ascii=False)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"
