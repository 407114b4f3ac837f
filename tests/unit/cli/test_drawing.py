import numpy as np
import pytest

from cli.drawing import COLOURS, draw_site
from core.site import Site

WIDTH, HEIGHT = 640, 360


def site(**parts: object) -> Site:
    return Site.model_validate(
        {
            "site_id": "s",
            "place": "p",
            "camera": {"camera_id": "c", "picture_size_px": (WIDTH, HEIGHT)},
            **parts,
        }
    )


def drawn(**parts: object) -> np.ndarray:
    return np.asarray(draw_site(site(**parts), np.full((HEIGHT, WIDTH, 3), 40, np.uint8)))


SQUARE = [(200, 100), (400, 100), (400, 300), (200, 300)]


@pytest.mark.parametrize(
    ("kind", "parts", "at"),
    [
        ("lane", {"lanes": [{"id": "l", "polygon_px": SQUARE, "kind": "motor"}]}, (200, 250)),
        ("exit", {"exits": [{"id": "x", "polygon_px": SQUARE, "movement": "S"}]}, (200, 250)),
        ("crosswalk", {"crosswalks": [{"id": "w", "polygon_px": SQUARE}]}, (200, 250)),
        ("waiting_area", {"waiting_areas": [{"id": "w", "polygon_px": SQUARE}]}, (200, 250)),
        ("no_stop_zone", {"no_stop_zones": [{"id": "n", "polygon_px": SQUARE}]}, (200, 250)),
        (
            "direction_zone",
            {
                "direction_zones": [
                    {
                        "id": "d",
                        "polygon_px": SQUARE,
                        "heading_px": [(300, 280), (300, 120)],
                        "applies_to": ["motor"],
                    }
                ]
            },
            (200, 250),
        ),
        (
            "stop_line",
            {"stop_lines": [{"id": "s", "points_px": [(100, 200), (500, 200)], "towards_px": (300, 90)}]},
            (450, 200),
        ),
        ("box", {"boxes": [{"id": "b", "polygon_px": SQUARE}]}, (200, 250)),
        ("parking_bay", {"parking_bays": [{"id": "b", "polygon_px": SQUARE}]}, (200, 250)),
        ("no_u_turn_zone", {"no_u_turn_zones": [{"id": "u", "polygon_px": SQUARE}]}, (200, 250)),
        ("solid_line", {"solid_lines": [{"id": "m", "points_px": [(100, 200), (500, 200)]}]}, (450, 200)),
        ("barrier", {"barriers": [{"id": "f", "points_px": [(100, 200), (500, 200)]}]}, (450, 200)),
        ("nonmotor_zone", {"nonmotor_zones": [{"id": "z", "polygon_px": SQUARE}]}, (200, 250)),
        ("signal", {"signals": [{"id": "r", "region_px": (300, 50, 340, 150)}]}, (300, 100)),
    ],
)
def test_every_kind_of_thing_is_drawn_where_it_is(kind: str, parts: dict[str, object], at: tuple[int, int]) -> None:
    picture = drawn(**parts)
    factor = picture.shape[1] / WIDTH
    x, y = round(at[0] * factor), round(at[1] * factor)
    near = picture[y - 4 : y + 5, x - 4 : x + 5].reshape(-1, 3).astype(int)
    assert (np.abs(near - COLOURS[kind]).max(axis=1) < 12).any()


def test_small_pictures_are_enlarged_so_that_labels_fit() -> None:
    assert min(drawn().shape[:2]) == 720


def test_large_pictures_keep_their_size() -> None:
    big = site().scaled_to(1920, 1080)
    assert draw_site(big, np.zeros((1080, 1920, 3), np.uint8)).size == (1920, 1080)


def test_lamp_that_cannot_be_seen_draws_nothing() -> None:
    assert (drawn(signals=[{"id": "r", "region_px": None}]) == 40).all()
