"""The OpenGL side: context, programs, textures and meshes. Works headless on EGL, with or without a graphics card."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from core.errors import ConfigError
from sim import shaders
from sim.mesh import Matrix
from sim.town import Solid

STATIC_SHADOW_PX, MOVING_SHADOW_PX = 4096, 3072
_VERTEX_FORMAT = "3f 3f 2f 4f"


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuMesh:
    """A mesh on the graphics side.

    Shapes: hull (N, 3), the mesh's convex corners in its own frame; marks as in ``Mesh``.
    """

    surface: Any
    depth: Any
    position: Any
    mode: int
    texture: Any
    hull: Matrix
    marks: tuple[tuple[str, Matrix], ...] = ()


class Gpu:
    """Context, programs and frame buffers for one picture size."""

    def __init__(self, width_px: int, height_px: int, *, samples: int) -> None:
        os.environ.setdefault("LP_NUM_THREADS", "2")
        self.gl = _load_gl()
        self.context: Any = self.gl.create_standalone_context(backend="egl")
        self.width_px, self.height_px = width_px, height_px
        self._build_programs()
        self._build_targets(0 if samples == 1 else samples)
        self.white = self.texture(np.full((2, 2, 4), 255, "u1"))

    def close(self) -> None:
        """Gives the context and everything in it back."""
        self.context.release()

    def texture(self, image: Any) -> Any:
        """Uploads a (H, W, C) uint8 image with mipmaps."""
        image = np.ascontiguousarray(image)
        texture = self.context.texture(image.shape[1::-1], image.shape[2], image.tobytes(), alignment=1)
        texture.build_mipmaps()
        texture.filter = (self.gl.LINEAR_MIPMAP_LINEAR, self.gl.LINEAR)
        # llvmpipe hangs on some frames with anisotropic filtering of body textures.
        texture.anisotropy = 1.0
        return texture

    def mesh(self, solid: Solid) -> GpuMesh:
        """Uploads a mesh."""
        points, normals, uv, colours = solid.mesh.arrays()
        rows, order = _shared(np.concatenate([points, normals, uv, colours], 1).astype("f4"))
        buffer = self.context.buffer(rows.tobytes())
        index = self.context.buffer(order.astype("u4").tobytes())
        array = partial(self.context.vertex_array, index_buffer=index)
        positions: Matrix = points.astype("f8")
        try:
            hull = positions[ConvexHull(positions).vertices]
        except QhullError:
            hull = positions
        only_position = [(buffer, "3f 12x 2f 16x", "p", "uv")]
        return GpuMesh(
            surface=array(self.surface, [(buffer, _VERTEX_FORMAT, "p", "n", "uv", "c")]),
            depth=array(self.depth, only_position),
            position=array(self.position, only_position),
            mode=solid.mode,
            texture=None if solid.texture is None else self.texture(solid.texture),
            hull=hull,
            marks=tuple(solid.mesh.marks),
        )

    def draw_depth(self, items: list[tuple[GpuMesh, Matrix]], view: Matrix, target: Any) -> None:
        """Draws depth only, from an empty target."""
        target.use()
        self.context.clear()
        self.draw_ids([(mesh, matrix, (0.0, 0.0, 0.0)) for mesh, matrix in items], view)

    def draw_ids(self, items: list[tuple[GpuMesh, Matrix, tuple[float, float, float]]], view: Matrix) -> None:
        """Draws flat colours into the target in use."""
        self.context.enable(self.gl.DEPTH_TEST)
        set_matrix(self.depth, "VP", view)
        for mesh, matrix, colour in items:
            self.depth["mode"], self.depth["idc"] = mesh.mode, colour
            if mesh.mode == 3:
                mesh.texture.use(0)
            set_matrix(self.depth, "Mo", matrix)
            mesh.depth.render()

    def draw_surfaces(self, items: list[tuple[GpuMesh, Matrix]]) -> None:
        """Draws lit surfaces into the target in use."""
        for mesh, matrix in items:
            self.surface["mode"] = mesh.mode
            (mesh.texture or self.white).use(0)
            set_matrix(self.surface, "Mo", matrix)
            mesh.surface.render()

    def read(self) -> Any:
        """Returns the rendered picture, shape (H, W, 3) uint8 RGB, bottom row first."""
        self.context.copy_framebuffer(self.resolved, self.frame)
        return np.frombuffer(self.resolved.read(components=3), "u1").reshape(self.height_px, self.width_px, 3)

    def _build_programs(self) -> None:
        def program(vertex: str, fragment: str) -> Any:
            return self.context.program(vertex_shader=vertex, fragment_shader=fragment)

        corners = np.array([-1, -1, 1, -1, -1, 1, 1, 1], "f4")
        quad = self.context.buffer(corners.tobytes())

        def sheet(made: Any) -> Any:
            return self.context.vertex_array(made, [(quad, "2f", "p")])

        self.surface = program(shaders.SURFACE_VERTEX, shaders.SURFACE_FRAGMENT)
        self.depth = program(shaders.DEPTH_VERTEX, shaders.DEPTH_FRAGMENT)
        self.position = program(shaders.POSITION_VERTEX, shaders.POSITION_FRAGMENT)
        self.sky = program(shaders.SKY_VERTEX, shaders.SKY_FRAGMENT)
        self.contact = program(shaders.CONTACT_VERTEX, shaders.CONTACT_FRAGMENT)
        self.lamp = program(shaders.LAMP_VERTEX, shaders.LAMP_FRAGMENT)
        self.streak = program(shaders.LAMP_VERTEX, shaders.STREAK_FRAGMENT)
        self.pool = program(shaders.POOL_VERTEX, shaders.POOL_FRAGMENT)
        self.background = program(shaders.BACKGROUND_VERTEX, shaders.BACKGROUND_FRAGMENT)
        self.background_depth = program(shaders.BACKGROUND_VERTEX, shaders.BACKGROUND_DEPTH_FRAGMENT)
        self.sky_sheet, self.contact_sheet = sheet(self.sky), sheet(self.contact)
        self.lamp_sheet, self.background_sheet = sheet(self.lamp), sheet(self.background)
        self.streak_sheet, self.pool_sheet = sheet(self.streak), sheet(self.pool)
        self.background_depth_sheet = sheet(self.background_depth)

    def _build_targets(self, samples: int) -> None:
        size, half = (self.width_px, self.height_px), (self.width_px // 2, self.height_px // 2)
        make = self.context
        self.frame = make.framebuffer(
            [make.renderbuffer(size, 4, samples=samples)], make.depth_renderbuffer(size, samples=samples)
        )
        self.resolved = make.framebuffer([make.renderbuffer(size, 4)])
        self.ids = make.framebuffer([make.renderbuffer(half, 3)], make.depth_renderbuffer(half))
        self.static_shadow = self._shadow(STATIC_SHADOW_PX)
        self.moving_shadow = self._shadow(MOVING_SHADOW_PX)
        self.static_shadow_target = make.framebuffer(depth_attachment=self.static_shadow)
        self.moving_shadow_target = make.framebuffer(depth_attachment=self.moving_shadow)

    def _shadow(self, size_px: int) -> Any:
        texture = self.context.depth_texture((size_px, size_px))
        texture.compare_func = "<="
        texture.filter = (self.gl.LINEAR, self.gl.LINEAR)
        texture.repeat_x = texture.repeat_y = False
        return texture


def _shared(rows: Any) -> tuple[Any, Any]:
    """Returns the different rows of a triangle soup, and which of them each corner is."""
    as_bytes = np.ascontiguousarray(rows).view([("", f"V{rows.itemsize * rows.shape[1]}")]).ravel()
    _, first, order = np.unique(as_bytes, return_index=True, return_inverse=True)
    return rows[first], order


def set_matrix(program: Any, name: str, matrix: Matrix) -> None:
    """Writes a (4, 4) row-major matrix to a uniform."""
    program[name].write(np.ascontiguousarray(matrix.T.astype("f4")).tobytes())


def _load_gl() -> Any:
    try:
        return importlib.import_module("moderngl")
    except ImportError as error:
        raise ConfigError("rendering needs moderngl, which is not installed: pip install 'lukou[sim]'") from error
