"""Pictures of a world: a background rendered once, and the moving actors with their shadows on top."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import cv2
import numpy as np

from core.observations import ActorClass
from sim import shaders
from sim.actors import Pose
from sim.camera import Camera, build_camera
from sim.glow import Glow, street_lamp_heads
from sim.gpu import Gpu, GpuMesh, set_matrix
from sim.ground import DRAFT_TEXEL_M, TEXEL_M, build_ground
from sim.junction import GROUND_HALF_M, Junction
from sim.labels import Label, build_details, build_label
from sim.mesh import IDENTITY, Matrix, Mesh, place
from sim.models import parts_of
from sim.optics import Lens
from sim.scene import Look, Scene
from sim.town import Solid, build_town
from sim.weather import WEATHERS
from sim.world import Moment

_SHADOW_REACH_M = 80.0
_DRAWN_WITHIN_M = 110.0
_OFFSETS = ((-0.25, -0.25), (0.25, -0.25), (-0.25, 0.25), (0.25, 0.25))
"""Parts of a pixel by which the background is shifted and averaged, which smooths its edges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One picture. Shapes: bgr (H, W, 3) uint8."""

    bgr: Any
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    pose: Pose
    items: list[tuple[GpuMesh, Matrix]]
    is_pushed: list[bool]
    frame: Matrix
    is_in_view: bool

    def things(self) -> list[tuple[ActorClass, list[tuple[GpuMesh, Matrix]]]]:
        """Returns what is labelled apart: the actor, and a bicycle that is pushed."""
        own = [item for item, pushed in zip(self.items, self.is_pushed, strict=True) if not pushed]
        other = [item for item, pushed in zip(self.items, self.is_pushed, strict=True) if pushed]
        return [(self.pose.body.class_id, own), *([(ActorClass.BICYCLE, other)] if other else [])]


class Renderer:
    """Draws one scene from its camera."""

    def __init__(
        self,
        scene: Scene,
        *,
        camera: Camera | None = None,
        ground: Solid | None = None,
        sunlight: float = 1.0,
        is_draft: bool = False,
    ) -> None:
        """Prepares what does not move; a draft leaves edges rough and takes a third of the time."""
        self._sunlight = sunlight
        self._offsets = _OFFSETS[::3] if is_draft else _OFFSETS
        self.camera = camera or build_camera(scene.camera)
        self._looks = {a.id: a.look for a in scene.cast}
        self._gpu = Gpu(self.camera.width_px, self.camera.height_px, samples=1 if is_draft else 4)
        self._sun: Matrix = np.array(scene.sun) / np.linalg.norm(scene.sun)
        self._light = _light_matrix(self._sun)
        self._meshes: dict[tuple[Any, ...], GpuMesh] = {}
        self._weather = WEATHERS[scene.weather]
        self._glow = Glow(self._gpu, self.camera, scene.junction, self._weather)
        self._lens = Lens(self._weather, scene.camera.picture_size_px, scene.seed, dirt=scene.lens_dirt)
        self._street = street_lamp_heads(scene.junction)[: shaders.MAX_LAMPS]
        self._static = [
            self._gpu.mesh(solid)
            for solid in (
                ground or _ground_solid(scene.junction, DRAFT_TEXEL_M if is_draft else TEXEL_M),
                *_town(scene.junction),
            )
        ]
        self._clouds = self._gpu.texture(_clouds())
        shadows = [(mesh, IDENTITY) for mesh in self._static[2:]]
        if self._weather.is_sunny:
            self._gpu.draw_depth(shadows, self._light, self._gpu.static_shadow_target)
        self._background = self._render_background()

    def close(self) -> None:
        """Gives the graphics memory back."""
        self._gpu.close()

    def render(self, moment: Moment, *, is_measured: bool = True) -> Rendered:
        """Returns the picture of a moment; visibility is counted where ``is_measured``."""
        drawn = self._prepare_all(moment)
        items = [item for d in drawn for item in d.items]
        if self._weather.is_sunny:
            self._gpu.draw_depth(items, self._light, self._gpu.moving_shadow_target)
        self._begin(self.camera.view_projection, sun=self._sunlight)
        self._draw_background()
        seen = [d for d in drawn if d.is_in_view]
        framed = [(d.pose, d.frame) for d in seen]
        self._glow.draw_on_road(moment, framed)
        self._draw_contacts(seen)
        self._gpu.draw_surfaces([item for d in seen for item in d.items])
        self._glow.draw(moment, framed)
        picture = self._gpu.read()[::-1, :, ::-1].copy()
        labels = self._label(seen, is_measured=is_measured)
        return Rendered(bgr=self._lens.expose(picture, round(moment.t_s * 25)), labels=labels)

    def measure(self, moment: Moment) -> tuple[Label, ...]:
        """Returns the labels of a moment without its picture."""
        return self._label([d for d in self._prepare_all(moment) if d.is_in_view], is_measured=True)

    def _prepare_all(self, moment: Moment) -> list[_Drawn]:
        return [d for pose in moment.poses if (d := self._prepare(pose)) is not None]

    def _prepare(self, pose: Pose) -> _Drawn | None:
        if max(abs(pose.x_m), abs(pose.y_m)) > _DRAWN_WITHIN_M:
            return None
        is_in_view = self.camera.is_near(pose.x_m, pose.y_m, 7.0 if pose.kind == "bus" else 3.5)
        distance = float(np.hypot(pose.x_m - self.camera.eye[0], pose.y_m - self.camera.eye[1]))
        if not is_in_view and distance > 90:
            return None
        frame = place(pose.x_m, pose.y_m, turn_rad=pose.heading_rad)
        parts = parts_of(pose, self._looks.get(pose.actor_id, Look()))
        for part in parts:
            if part.key not in self._meshes:
                self._meshes[part.key] = self._gpu.mesh(part.build())
        return _Drawn(
            pose=pose,
            items=[(self._meshes[part.key], frame @ part.offset) for part in parts],
            is_pushed=[part.is_pushed for part in parts],
            frame=frame,
            is_in_view=is_in_view,
        )

    def _begin(self, view: Matrix, *, sun: float = 1.0, is_moving: bool = True) -> None:
        gpu, program = self._gpu, self._gpu.surface
        gpu.frame.use()
        gpu.context.clear(0, 0, 0)
        gpu.context.enable(gpu.gl.DEPTH_TEST)
        set_matrix(program, "VP", view)
        set_matrix(program, "LS", self._light)
        program["eye"], program["sun"] = tuple(self.camera.eye), tuple(self._sun)
        program["T"], program["S0"], program["S1"] = 0, 2, 3
        program["sunk"], program["dyn"] = sun * float(self._weather.is_sunny), int(is_moving)
        self._light_up(program)
        gpu.static_shadow.use(2)
        gpu.moving_shadow.use(3)

    def _light_up(self, program: Any) -> None:
        """Writes light and air of the weather to the surface program."""
        weather = self._weather
        program["sunc"], program["amblo"], program["ambhi"] = weather.sun, weather.ambient_low, weather.ambient_high
        program["fogc"], program["fogd"], program["expo"] = weather.fog, weather.fog_per_m, weather.exposure
        program["zenith"], program["horizon"], program["wet"] = weather.zenith, weather.horizon, weather.wetness
        is_dark = weather.is_lit and weather.exposure > 1
        program["night"] = float(is_dark)
        program["lamps"] = len(self._street) if is_dark else 0
        lamps = np.zeros((shaders.MAX_LAMPS, 3), "f4")
        lamps[: len(self._street)] = self._street
        program["lampp"].write(lamps.tobytes())

    def _render_background(self) -> tuple[Any, Any, Any]:
        """Returns textures of the empty scene in the sun, in the shade, and of each pixel's world position."""
        gpu, camera = self._gpu, self.camera
        size = (camera.width_px, camera.height_px)
        items = [(mesh, IDENTITY) for mesh in self._static]
        lit = []
        for sun in (self._sunlight, 0.0) if self._weather.is_sunny else (0.0,):
            total = np.zeros((camera.height_px, camera.width_px, 3), "f4")
            for dx, dy in self._offsets:
                shift: Matrix = np.eye(4)
                shift[0, 3], shift[1, 3] = dx * 2 / camera.width_px, dy * 2 / camera.height_px
                view: Matrix = shift @ camera.view_projection
                self._begin(view, sun=sun, is_moving=False)
                gpu.draw_surfaces(items)
                self._draw_sky(view)
                total += gpu.read()
            lit.append(
                gpu.context.texture(
                    size, 3, np.clip(total / len(self._offsets) + 0.5, 0, 255).astype("u1").tobytes(), alignment=1
                )
            )
        where = gpu.context.texture(size, 4, dtype="f4")
        where.filter = (gpu.gl.NEAREST, gpu.gl.NEAREST)
        target = gpu.context.framebuffer([where], gpu.context.depth_renderbuffer(size))
        target.use()
        target.clear(0, 0, 0, 1.0, depth=1.0)
        gpu.context.enable(gpu.gl.DEPTH_TEST)
        set_matrix(gpu.position, "VP", camera.view_projection)
        for mesh in self._static:
            gpu.position["mode"] = mesh.mode
            (mesh.texture or gpu.white).use(0)
            set_matrix(gpu.position, "Mo", IDENTITY)
            mesh.position.render()
        return lit[0], lit[-1], where

    def _draw_sky(self, view: Matrix) -> None:
        gpu = self._gpu
        inverse: Matrix = np.asarray(np.linalg.inv(view), np.float64)
        set_matrix(gpu.sky, "IVP", inverse)
        weather = self._weather
        gpu.sky["eye"], gpu.sky["cloud"], gpu.sky["expo"] = tuple(self.camera.eye), weather.cloud, weather.exposure
        gpu.sky["zenith"], gpu.sky["horizon"] = weather.zenith, weather.horizon
        gpu.sky["fogc"], gpu.sky["fogd"] = weather.fog, weather.fog_per_m
        self._clouds.use(0)
        gpu.context.depth_func = "<="
        gpu.sky_sheet.render(gpu.gl.TRIANGLE_STRIP)
        gpu.context.depth_func = "<"

    def _draw_background(self) -> None:
        gpu = self._gpu
        set_matrix(gpu.background, "LS", self._light)
        for name, unit, texture in zip(("A", "B", "Pz"), (4, 5, 6), self._background, strict=True):
            gpu.background[name] = unit
            texture.use(unit)
        gpu.background["S1"], gpu.background["sunny"] = 3, int(self._weather.is_sunny)
        gpu.context.depth_func = "1"
        gpu.background_sheet.render(gpu.gl.TRIANGLE_STRIP)
        gpu.context.depth_func = "<"

    def _draw_contacts(self, drawn: list[_Drawn]) -> None:
        gpu = self._gpu
        gpu.context.enable(gpu.gl.BLEND)
        gpu.context.blend_func = (gpu.gl.SRC_ALPHA, gpu.gl.ONE_MINUS_SRC_ALPHA)
        set_matrix(gpu.contact, "VP", self.camera.view_projection)
        for d in drawn:
            body = d.pose.body
            gpu.contact["hl"] = (body.length_m / 2, body.width_m / 2)
            depth = float(np.linalg.norm(self.camera.eye - d.frame[:3, 3]))
            clear = float(np.exp(-depth * self._weather.fog_per_m))
            gpu.contact["k"] = (0.72 if body.length_m > 3 else 0.4) * clear
            set_matrix(gpu.contact, "Mo", d.frame)
            gpu.contact_sheet.render(gpu.gl.TRIANGLE_STRIP)
        gpu.context.disable(gpu.gl.BLEND)

    def _label(self, drawn: list[_Drawn], *, is_measured: bool) -> tuple[Label, ...]:
        things = [(d.pose, class_id, items) for d in drawn for class_id, items in d.things()]
        ids = self._draw_ids([items for _, _, items in things]) if is_measured else None
        counts = None if ids is None else np.bincount(ids.ravel(), minlength=len(things) + 1) * 4
        labels = []
        for number, (pose, class_id, items) in enumerate(things, start=1):
            hull = np.concatenate([mesh.hull @ matrix[:3, :3].T + matrix[:3, 3] for mesh, matrix in items])
            seen_px = None if counts is None else float(counts[number])
            label = build_label(pose, class_id, hull, self.camera, seen_px=seen_px)
            if label is not None:
                marks = [(n, c @ m[:3, :3].T + m[:3, 3]) for mesh, m in items for n, c in mesh.marks]
                is_own = None if ids is None else ids == number
                labels.append(replace(label, details=build_details(pose, marks, self.camera, is_own)))
        return tuple(labels)

    def _draw_ids(self, things: list[list[tuple[GpuMesh, Matrix]]]) -> Any:
        """Returns which thing is seen in each pixel, from 1, shape (H / 2, W / 2); 0 is none."""
        gpu = self._gpu
        gpu.ids.use()
        gpu.context.clear(0, 0, 0)
        gpu.context.enable(gpu.gl.DEPTH_TEST)
        gpu.background_depth["Pz"] = 6
        self._background[2].use(6)
        gpu.context.depth_func = "1"
        gpu.background_depth_sheet.render(gpu.gl.TRIANGLE_STRIP)
        gpu.context.depth_func = "<"
        coloured = []
        for number, items in enumerate(things, start=1):
            colour = ((number % 256) / 255.0, 0.0, (number // 256) / 255.0)
            coloured += [(mesh, matrix, colour) for mesh, matrix in items]
        gpu.draw_ids(coloured, self.camera.view_projection)
        size = (self.camera.height_px // 2, self.camera.width_px // 2, 3)
        ids = np.frombuffer(gpu.ids.read(components=3, alignment=1), "u1").reshape(size)[::-1].astype(int)
        return ids[..., 0] + 256 * ids[..., 2]


def _light_matrix(sun: Matrix) -> Matrix:
    x = np.cross([0, 0, 1], sun)
    x /= np.linalg.norm(x)
    view = np.eye(4)
    view[:3, :3] = [x, np.cross(sun, x), sun]
    matrix: Matrix = np.diag([1 / _SHADOW_REACH_M, 1 / _SHADOW_REACH_M, -1 / 120.0, 1.0]) @ view
    return matrix


@cache
def _ground_solid(built: Junction, texel_m: float) -> Solid:
    half = GROUND_HALF_M
    mesh = Mesh().quad([(-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)], (0, 0, 1))
    return Solid(mesh=mesh, mode=1, texture=build_ground(built=built, texel_m=texel_m))


@cache
def _town(built: Junction) -> tuple[Solid, ...]:
    return tuple(build_town(built))


def _clouds(size: int = 512) -> Any:
    random = np.random.RandomState(5)
    total = np.zeros((size, size), "f4")
    for k in range(2, 8):
        cells = np.pad(random.rand(2**k, 2**k), ((0, 1), (0, 1)), mode="wrap").astype("f4")
        total += cv2.resize(cells, (size, size), interpolation=cv2.INTER_CUBIC) / 2 ** (k - 2)
    total = (total - total.min()) / (total.max() - total.min())
    return np.repeat((total * 255).astype("u1")[..., None], 4, 2)
