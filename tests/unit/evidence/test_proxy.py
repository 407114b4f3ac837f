"""An H.265 clip gets an H.264 copy that is marked as derived; nothing that goes wrong with it stops the sealing."""

from pathlib import Path

import av
import pytest

from evidence import playable, proxy
from evidence.verify import verify_package
from tests.support.drafts import case_id, draft, vault
from tests.support.footage import make_clip, read_number

SIZE = (320, 192)
needs_h265 = pytest.mark.skipif("libx265" not in av.codecs_available, reason="this PyAV has no H.265 encoder")


def clip(folder: Path, codec: str, **options: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return make_clip(folder / "clip.mp4", fps=12.5, seconds=2, size=SIZE, codec=codec, **options)  # type: ignore[arg-type]


def times_and_numbers(path: Path) -> list[tuple[float, int]]:
    with av.open(path) as container:
        return [(round(f.time, 3), read_number(f.to_ndarray(format="rgb24"))) for f in container.decode(video=0)]


@needs_h265
def test_h265_clip_gets_a_copy_that_is_marked_as_derived(tmp_path: Path) -> None:
    source = clip(tmp_path / "in", "libx265")
    original = source.read_bytes()
    expected = times_and_numbers(source)
    store = vault(tmp_path)
    store.seal(draft(tmp_path, 1, clip=source))
    manifest = store.manifest(case_id(1))
    assert manifest.proxy is not None
    assert manifest.clip is not None
    assert (manifest.proxy.codec, manifest.proxy.derived_from) == ("h264", "CLIP.mp4")
    assert manifest.proxy.derived_from_sha256 == manifest.clip.sha256
    assert store.read(case_id(1), "CLIP.mp4") == original
    copy = store.path(case_id(1)) / "PROXY.mp4"
    with av.open(copy) as container:
        assert container.streams.video[0].codec_context.name == "h264"
    assert times_and_numbers(copy) == expected  # the same pictures at the same times: the track still fits
    assert verify_package(store.path(case_id(1))).is_valid
    copy.chmod(0o644)
    copy.write_bytes(copy.read_bytes()[:-1] + b"\x00")
    assert [p.split(":")[0] for p in verify_package(store.path(case_id(1))).problems] == ["PROXY.mp4"]


def test_h264_clip_needs_none(tmp_path: Path) -> None:
    store = vault(tmp_path)
    store.seal(draft(tmp_path, 1, clip=clip(tmp_path / "in", "libx264")))
    assert store.manifest(case_id(1)).proxy is None
    assert not (store.path(case_id(1)) / "PROXY.mp4").exists()


@needs_h265
def test_uneven_times_are_kept_and_large_pictures_made_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = clip(tmp_path, "libx265", pts=[0.0, 0.08, 0.4, 0.44, 1.0])
    monkeypatch.setattr(proxy, "WIDTH_MAX_PX", 160)
    assert proxy.transcode(source, tmp_path / "small.mp4")
    with av.open(tmp_path / "small.mp4") as small, av.open(source) as large:
        assert (small.streams.video[0].width, small.streams.video[0].height) == (160, 96)
        assert [round(f.time, 3) for f in small.decode(video=0)] == [round(f.time, 3) for f in large.decode(video=0)]


@needs_h265
def test_machine_without_encoder_seals_without_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = clip(tmp_path, "libx265")
    monkeypatch.setattr("av.codecs_available", {"hevc"})
    assert not proxy.transcode(source, tmp_path / "copy.mp4")
    assert not (tmp_path / "copy.mp4").exists()


def test_damaged_clip_is_sealed_without_a_copy(tmp_path: Path) -> None:
    source = tmp_path / "bad.mp4"
    source.write_bytes(b"\x00\x00\x00\x18ftypmp42hvc1" + bytes(200))
    assert not playable.make_playable(source, tmp_path / "copy.mp4")
    assert not (tmp_path / "copy.mp4").exists()
    store = vault(tmp_path)
    store.seal(draft(tmp_path, 1, clip=source))
    assert store.verify(case_id(1)).is_valid
