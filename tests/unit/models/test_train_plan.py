from pathlib import Path

import pytest

from models.registry import Metric
from models.train import __main__ as train


def metric(name: str, group: str, ap50: float | None) -> Metric:
    return Metric(
        set=name, unseen=True, labels="", class_name=group, n=1, conf=0.25, recall=None, precision=None, ap50=ap50
    )


def plan(folder: Path) -> train.Plan:
    (folder / "renders").mkdir()
    return train._parse(
        [
            "--corpus",
            str(folder),
            "--renders",
            str(folder / "renders"),
            "--out",
            str(folder / "out"),
            "--held-out",
            "b,c",
        ]
    )


def test_only_the_sets_for_choosing_count() -> None:
    rows = [
        metric("place_d", "two_wheelers", 0.6),
        metric("rendered_held_out", "person", 0.8),
        metric("rendered_held_out", "two_wheelers", None),
        metric("uvhnael", "two_wheelers", 0.0),
        metric("demo_film", "two_wheelers", 0.0),
    ]
    assert train.score(rows) == pytest.approx(0.7)


@pytest.mark.parametrize(("scenes", "blend", "chosen"), [(0.70, 0.695, "blend"), (0.70, 0.68, "scenes")])
def test_the_blend_wins_a_tie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scenes: float, blend: float, chosen: str
) -> None:
    values = {"scenes": scenes, "blend": blend}
    monkeypatch.setattr(train.export, "export", lambda checkpoint, target: target)
    monkeypatch.setattr(train, "figures", lambda plan, path: [metric("place_d", "person", values[path.stem])])
    best, rows = train.choose(plan(tmp_path), {name: tmp_path / f"{name}.pt" for name in values})
    assert best.stem == chosen
    assert rows[0].ap50 == values[chosen]


def test_rendered_views_are_trained_on_or_measured_on_never_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan(tmp_path)
    for name in ("a_1", "b_1", "c_2", "d_1"):
        (tmp_path / "renders" / f"{name}.jpg").touch()

    def pictures(folder: Path) -> list[tuple[object, None]]:
        return [(type("Picture", (), {"name": path.stem}), None) for path in sorted(folder.glob("*.jpg"))]

    monkeypatch.setattr(train.dataset, "rendered_pictures", pictures)
    training = {item[0].name for item in made.training_frames()}
    measuring = {item[0].name for item in made.measuring_frames()}
    assert (training, measuring) == ({"a_1", "d_1"}, {"b_1", "c_2"})


def test_each_stage_goes_on_from_what_was_made_before(tmp_path: Path) -> None:
    made = plan(tmp_path)
    first, second, third = train.stages(made)
    assert second.init == first.result
    assert third.init.parent == made.out
    assert first.hours + second.hours + third.hours == pytest.approx(2.1)
    assert (first.seed, first.threads) == (0, 1)


def test_shares_add_up() -> None:
    for shares in (train.START, *train.BLENDS.values()):
        assert sum(shares.values()) == pytest.approx(1)
