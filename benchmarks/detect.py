"""Detection: every engine and precision here beside Ultralytics, same pictures, same run.

    python benchmarks/detect.py [--sizes 640x384,960x544] [--model NAME] [--home DIR] [--frontier] [--rounds N] [--json]

Each way gets the same demo frames and gives boxes: scaling, network, thresholds and NMS are in. Ways run in turn, the
median round counts; ``cpu_ms`` (processor time a picture) is the figure to trust on a shared machine. Ultralytics and
the ReLU copies of ``--frontier`` need the extra ``train`` and are left out, saying so, where it is missing.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import av  # noqa: E402  # run as a script, the repository is not on the path yet
import cv2  # noqa: E402
import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from core.observations import Picture  # noqa: E402
from models.registry import NetworkInput, find_home, load_manifest  # noqa: E402
from vision.detect import NetworkDetector, build_reader, load_detector, load_network  # noqa: E402

Frame = NDArray[np.uint8]
Way = Callable[[list[Frame]], object]
DEMO = ROOT / "sim" / "demo" / "junction.mp4"
FRAMES = 8
ENGINES = (("onnxruntime", "fp32"), ("openvino", "fp32"), ("openvino", "bf16"))


def demo_frames() -> list[Frame]:
    """Returns frames of the film that ships, seconds apart."""
    with av.open(str(DEMO)) as container:
        frames = [f.to_ndarray(format="rgb24") for i, f in enumerate(container.decode(video=0)) if i % 60 == 30]
    return [np.asarray(f, dtype=np.uint8) for f in frames[:FRAMES]]


def seen_by(detector: NetworkDetector, size: tuple[int, int]) -> Way:
    """Returns a way: scale, detect, all frames as one batch."""

    def run(frames: list[Frame]) -> object:
        pictures = [
            Picture(
                pts_ns=i, rgb=np.asarray(cv2.resize(f, size), dtype=np.uint8), source_size_px=(f.shape[1], f.shape[0])
            )
            for i, f in enumerate(frames)
        ]
        return detector.detect(pictures)

    return run


def our_ways(names: list[str], home: Path, size: tuple[int, int]) -> Iterator[tuple[str, Way]]:
    """Yields each of our networks on each engine and precision."""
    for name in names:
        for engine, precision in ENGINES:
            if find_spec(engine) is None:
                print(f"not run: {engine} is not installed", file=sys.stderr)
                continue
            if name.endswith("-int8") and precision == "bf16":
                continue
            shown = "int8" if name.endswith("-int8") else precision
            detector = load_detector(
                name,
                engine=engine,
                precision="auto" if engine == "onnxruntime" else precision,
                home=find_home(name, home),
            )
            yield f"{name} {engine} {shown}", seen_by(detector, size)


def ultralytics_ways(size: tuple[int, int], folder: Path) -> Iterator[tuple[str, Way]]:
    """Yields the usual ``model.predict`` loop on torch and on ONNX Runtime, with an untrained YOLO11n."""
    if find_spec("ultralytics") is None:
        print("not run: ultralytics (needs the extra train)", file=sys.stderr)
        return
    checkpoint = plain_checkpoint(folder, "SiLU")
    from ultralytics import YOLO

    width, height = size
    given: dict[str, Any] = {"imgsz": (height, width), "conf": 0.25, "verbose": False, "device": "cpu"}
    torch_model = YOLO(str(checkpoint))
    onnx_file = YOLO(str(checkpoint)).export(format="onnx", imgsz=(height, width), simplify=False, device="cpu")
    onnx_model = YOLO(str(onnx_file), task="detect")
    for name, model in (("torch fp32", torch_model), ("ONNX Runtime fp32", onnx_model)):

        def run(frames: list[Frame], model: Any = model) -> object:
            return [model.predict(np.ascontiguousarray(f[:, :, ::-1]), **given) for f in frames]

        yield f"yolo11n ultralytics {name}", run


def plain_checkpoint(folder: Path, activation: str) -> Path:
    """Saves an untrained YOLO11n of six classes with an activation; what it sees is noise, its speed is not."""
    from models.train.recipe import load_libraries

    torch = load_libraries()
    torch.manual_seed(0)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    from ultralytics.nn.tasks import DetectionModel, yaml_model_load

    plan = yaml_model_load("yolo11n.yaml") | {"nc": 6, "activation": f"torch.nn.{activation}()"}
    target = folder / f"yolo11n_{activation.lower()}.pt"
    torch.save({"model": DetectionModel(plan, verbose=False), "ema": None, "train_args": {}}, target)
    return target


def frontier_ways(size: tuple[int, int], folder: Path) -> Iterator[tuple[str, Way]]:
    """Yields SiLU and ReLU copies of one network on OpenVINO in fp32, bf16 and, with NNCF, int8."""
    if find_spec("ultralytics") is None or find_spec("openvino") is None:
        print("not run: the frontier needs ultralytics and openvino", file=sys.stderr)
        return
    from models.export import quantise, to_onnx

    manifest = load_manifest("pole")
    for activation in ("SiLU", "ReLU"):
        plain = to_onnx(plain_checkpoint(folder, activation), folder / f"{activation}.onnx")
        files = {"fp32": plain, "bf16": plain}
        if find_spec("nncf") is None:
            print("not run: int8 needs nncf", file=sys.stderr)
        else:
            pictures = [np.asarray(cv2.resize(f, size), dtype=np.uint8) for f in demo_frames()]
            files["int8"] = quantise(plain, folder / f"{activation}_int8.xml", pictures, manifest.input.stride)
        for precision, path in files.items():
            network = load_network(path, "openvino", "fp32" if precision == "int8" else precision)
            network_input = NetworkInput(width=size[0], height=size[1], stride=manifest.input.stride)
            detector = NetworkDetector(manifest, network, build_reader(manifest), network_input)
            yield f"yolo11n {activation} openvino {precision}", seen_by(detector, size)


def measured(ways: dict[str, Way], frames: list[Frame], rounds: int) -> dict[str, dict[str, float]]:
    """Returns pictures a second and processor ms a picture of each way, the median of its rounds."""
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            way(frames)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            if number:  # the first round warms up
                samples[name].append((len(frames) / wall, 1000 * cpu / len(frames)))
    return {
        name: {
            "per_s": round(statistics.median(s[0] for s in got), 1),
            "cpu_ms": round(statistics.median(s[1] for s in got), 2),
        }
        for name, got in samples.items()
    }


def machine() -> dict[str, Any]:
    """Returns what the figures were measured on."""
    info = Path("/proc/cpuinfo")
    text = info.read_text(encoding="utf-8") if info.exists() else ""
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    fields = {key.strip(): value.strip() for key, value in lines.items()}
    flags = fields.get("flags", "").split()
    return {
        "processor": fields.get("model name", platform.processor()),
        "cores": os.cpu_count(),
        "avx512_bf16": "avx512_bf16" in flags,
        "amx": "amx_bf16" in flags,
        "load_1_min": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="detection, every engine beside Ultralytics")
    parser.add_argument("--sizes", default="640x384,960x544")
    parser.add_argument("--model", action="append", help="network of ours; default pole")
    parser.add_argument("--home", type=Path, default=ROOT / "models", help="folder with exported networks")
    parser.add_argument("--frontier", action="store_true", help="SiLU and ReLU copies of one network as well")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ["YOLO_VERBOSE"] = "false"  # its messages go where the results go
    cv2.setNumThreads(1)
    frames, report = demo_frames(), {"machine": machine(), "rounds": options.rounds, "sizes": {}}
    for text in options.sizes.split(","):
        width, height = (int(v) for v in text.split("x"))
        size = (width, height)
        with tempfile.TemporaryDirectory() as folder:
            ways = dict(our_ways(options.model or ["pole"], options.home, size))
            ways |= dict(ultralytics_ways(size, Path(folder)))
            if options.frontier:
                ways |= dict(frontier_ways(size, Path(folder)))
            report["sizes"][text] = measured(ways, frames, options.rounds)
    if options.json:
        print(json.dumps(report, indent=1))
        return
    print(report["machine"])
    for text, rows in report["sizes"].items():
        for name, row in rows.items():
            print(f"{text:>9}  {name:40} {row['per_s']:7.1f} /s {row['cpu_ms']:8.2f} cpu ms")


if __name__ == "__main__":
    main()
