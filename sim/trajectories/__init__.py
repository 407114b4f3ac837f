"""Scenes without pixels: actors on a road in metres, seen by a pinhole camera, as tracks, lamps and a site file.

Knows nothing of ``rules/``: bodies are projected corner by corner, so the rules get what a detector would give them.
Road: x to the right, y away from the camera, stop line along x at y = 0, junction beyond it.
"""

from sim.trajectories.family import Case, load_family
from sim.trajectories.film import Film, film
from sim.trajectories.scene import TrajectoryScene

__all__ = ["Case", "Film", "TrajectoryScene", "film", "load_family"]
