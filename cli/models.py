"""``lukou models``: what networks there are, where they come from, how good they are, and other versions of them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.text import Text

from cli.console import emit, out, say, show_pairs, show_table
from cli.home import JsonOption, OutOption, settings_for
from core.errors import ConfigError, LukouError, ModelError
from core.settings import Settings
from models import registry
from models.registry import Manifest, Metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from models.boxes import Boxes
    from vision.detect import Detector

    Find = Callable[[NDArray[np.uint8]], Boxes]

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A network, see `lukou models list`.")]
CorpusOption = Annotated[
    Path,
    typer.Option(
        "--corpus", metavar="DIR", envvar="LUKOU_TRAIN", help="Labelled pictures: corpus/ and place_d/ inside."
    ),
]
DEFAULT_CORPUS = Path("../shared/train")
DEFAULT_PEERS = Path("../shared/data/weights")
CALIBRATION_PICTURES = 32


def list_models(out_dir: OutOption = None, as_json: JsonOption = False) -> None:
    """Lists the networks that ship and those pulled or exported here."""
    own = _own(settings_for(out_dir))
    manifests = [_manifest(name, own) for name in _names(own)]
    if as_json:
        emit([_facts(m, own) for m in manifests])
        return
    rows = [
        (m.name, m.task, m.version, m.licence, f"{m.weights.size / 1e6:.1f} MB", _state(m.name, own)) for m in manifests
    ]
    show_table("Networks", ("name", "task", "version", "licence", "size", "weights"), rows)


def show(name: NameArgument, out_dir: OutOption = None, as_json: JsonOption = False) -> None:
    """Shows a manifest: classes, input, licence, training pictures, figures, and whether the bytes are whole."""
    own = _own(settings_for(out_dir))
    manifest = _manifest(name, own)
    if as_json:
        emit(_facts(manifest, own))
        return
    show_pairs(
        manifest.name,
        {
            "task": manifest.task,
            "version": manifest.version,
            "classes": ", ".join(manifest.classes),
            "input": f"up to {manifest.input.width}x{manifest.input.height} px, multiples of {manifest.input.stride}",
            "licence": manifest.licence,
            "made from": manifest.initial_weights,
            "sha256": f"{manifest.sha256} ({_state(name, own).plain})",
        },
    )
    trained = [(s.source, s.licence, str(s.images)) for s in manifest.training_data]
    show_table("Trained on", ("pictures of", "licence", "pictures"), trained)
    if manifest.metrics:
        show_table("Measured", METRIC_COLUMNS, [_metric_row(m) for m in manifest.metrics])


def pull(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Official weights, e.g. yolo11n or yolo26s.")],
    out_dir: OutOption = None,
) -> None:
    """Fetches official Ultralytics weights (AGPL-3.0) over HTTPS and keeps them with a manifest."""
    from models.pull import pull as fetch

    settings = settings_for(out_dir)
    manifest = fetch(name, _own(settings), datetime.now(UTC).replace(microsecond=0))
    registry.check_licence(manifest, settings.model_licences)
    out().print(f"{manifest.weights.file}: sha256 {manifest.sha256}, {manifest.licence}", soft_wrap=True)
    say(f"engines take ONNX: lukou models export {name}")


def export(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE.pt", help="A network, or an Ultralytics checkpoint.")],
    precision: Annotated[Literal["fp32", "bf16", "int8"], typer.Option(help="Arithmetic of the new version.")] = "fp32",
    openvino: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write OpenVINO's own pair of files there.", show_default=False)
    ] = None,
    corpus: CorpusOption = DEFAULT_CORPUS,
    out_dir: OutOption = None,
) -> None:
    """Makes another version of a network and measures what it loses; int8 only as OpenVINO's own files."""
    from models import export as exporter
    from models.pull import describe as describe_official
    from models.pull import keep

    settings, now = settings_for(out_dir), datetime.now(UTC).replace(microsecond=0)
    own = _own(settings)
    given = Path(name)
    if given.suffix == ".pt":
        if not given.is_file():
            raise ConfigError(f"{given} is missing; give a checkpoint or a name of `lukou models list`")
        manifest, source = describe_official(given.stem.lower(), given.read_bytes(), now), given
    else:
        manifest = _manifest(name, own)
        source = registry.weights(name, registry.find_home(name, own))
    registry.check_licence(manifest, settings.model_licences)
    folder, made_name = openvino or own / "openvino", f"{manifest.name}-{precision}"
    with TemporaryDirectory() as work:
        base = source if source.suffix == ".onnx" else exporter.to_onnx(source, Path(work) / f"{manifest.name}.onnx")
        if precision == "int8":
            made = exporter.quantise(base, folder / f"{made_name}.xml", _calibration(corpus), manifest.input.stride)
        elif openvino is not None:
            out().print(f"OpenVINO: {exporter.to_openvino(base, folder / f'{made_name}.xml')}", soft_wrap=True)
        path = made.with_suffix(".bin") if precision == "int8" else base
        described = exporter.describe(manifest, precision, path, now)
        loss = None
        if (corpus / "place_d").is_dir():
            arithmetic = "fp32" if precision == "int8" else precision
            versions: dict[str, tuple[Path, str]] = {
                "fp32": (base, "fp32"),
                precision: (made if precision == "int8" else base, arithmetic),
            }
            loss = _loss(manifest, versions, corpus)
        described = described.model_copy(update={"recipe": described.recipe | {"against_fp32": loss}})
        if precision == "int8":
            registry.save(described, folder / f"{made_name}.json")
            out().print(f"OpenVINO: {made}", soft_wrap=True)
        else:
            keep(described, path.read_bytes(), own)
    out().print(f"{described.name}: sha256 {described.sha256}", soft_wrap=True)
    _say_loss(loss, corpus)


def evaluate(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME...]", help="Networks. Default: pole.", show_default=False)
    ] = None,
    corpus: CorpusOption = DEFAULT_CORPUS,
    peers: Annotated[
        Path, typer.Option(metavar="DIR", help="Files of public detectors to measure on the same pictures.")
    ] = DEFAULT_PEERS,
    engine: Annotated[str, typer.Option(help="Engine ours run on.")] = "auto",
    precision: Annotated[Literal["auto", "bf16", "fp32"], typer.Option(help="Arithmetic of OpenVINO.")] = "auto",
    out_dir: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measures networks junction by junction on held-apart pictures, beside public detectors."""
    from models.peers import CONFIDENCE, coco_reader, load_peers
    from models.registry import Thresholds
    from models.train.evaluate import FLOOR
    from models.train.sets import AUDITED

    own = _own(settings_for(out_dir))
    shown = [_manifest(name, own) for name in names or ["pole"]]
    trained_on = {place for m in shown for place in m.recipe.get("places", [])}
    found: list[tuple[str, Metric]] = []
    for manifest in shown:
        find = _finder(manifest, own, engine, precision)
        found += [(manifest.name, m) for m in _measure(find, manifest.thresholds, corpus, trained_on)]
    others, missing = load_peers(peers, FLOOR)
    usual = Thresholds(confidence=CONFIDENCE, nms_iou=coco_reader(FLOOR).nms_iou)
    for name, find in others.items():
        found += [(name, m) for m in _measure(find, usual, corpus, trained_on)]
    if as_json:
        rows = [{"model": name, **m.model_dump(by_alias=True)} for name, m in found]
        emit({"rows": rows, "not_run": missing})
        return
    for place in dict.fromkeys(m.set for _, m in found):
        here = sorted((m.class_name, name, m) for name, m in found if m.set == place and m.n)
        is_known = place.removesuffix(AUDITED) in trained_on
        known = ", its other pictures were trained on" if is_known else ", never trained on"
        show_table(f"Junction {place}{known}", ("class", "model", *METRIC_COLUMNS[2:]), _rows(here))
    for name, reason in missing.items():
        say(f"{name} did not run: {reason}", style="yellow")


def train(
    model: Annotated[Literal["pole", "aerial"], typer.Argument(help="Which network.")],
    renders: Annotated[Path, typer.Option(metavar="DIR", help="What `python -m sim pictures|sprites` made.")],
    corpus: CorpusOption = DEFAULT_CORPUS,
    hours: Annotated[float, typer.Option(min=0.01, help="Training time.")] = 1.2,
    runs: Annotated[Path, typer.Option(metavar="DIR", help="Where the run leaves its steps.")] = Path("runs"),
    threads: Annotated[int, typer.Option(min=1, help="1 on a shared machine.")] = 1,
) -> None:
    """Makes a network again from its recipe; an interrupted run goes on where it was."""
    from models.export import need

    need("torch")
    need("ultralytics")
    line = ["--corpus", str(corpus), "--renders", str(renders), "--hours", str(hours), "--threads", str(threads)]
    line += ["--out", str(runs / model)]
    if model == "pole":
        from models.train.__main__ import main
    else:
        from models.train.aerial import main
    main(line)
    out().print(f"weights and manifest are in {runs / model}", soft_wrap=True)


METRIC_COLUMNS = ("set", "class", "true boxes", "AP50", "at", "recall", "precision", "false a picture")


def _metric_row(m: Metric) -> tuple[str, ...]:
    def share(value: float | None) -> str:
        return "-" if value is None else f"{value:.3f}"

    cells = (share(m.ap50), f"{m.conf:g}", share(m.recall), share(m.precision), share(m.false_per_image))
    return (m.set, m.class_name, str(m.n), *cells)


def _rows(found: list[tuple[str, str, Metric]]) -> Iterator[tuple[str, ...]]:
    return ((class_name, name, *_metric_row(m)[2:]) for class_name, name, m in found)


def _own(settings: Settings) -> Path:
    return settings.home / "models"


def _names(own: Path) -> list[str]:
    return sorted({*registry.list_manifests(), *registry.list_manifests(own)})


def _manifest(name: str, own: Path) -> Manifest:
    return registry.load_manifest(name, registry.find_home(name, own))


def _state(name: str, own: Path) -> Text:
    try:
        registry.weights(name, registry.find_home(name, own))
    except LukouError as error:
        return Text(error.message, style="red")
    return Text("whole", style="green")


def _facts(manifest: Manifest, own: Path) -> dict[str, Any]:
    return manifest.model_dump(mode="json", by_alias=True) | {"state": _state(manifest.name, own).plain}


def _finder(manifest: Manifest, own: Path, engine: str = "auto", precision: str = "auto") -> "Find":
    """Returns a network as it runs on site, down to the lowest confidence a curve needs."""
    from models.train.evaluate import FLOOR
    from vision.detect import load_detector

    home = registry.find_home(manifest.name, own)
    detector = load_detector(manifest.name, engine=engine, precision=precision, confidence=FLOOR, home=home)
    return _find_with(detector)


def _find_with(detector: "Detector") -> "Find":
    import cv2
    import numpy as np

    from core.observations import Picture
    from models.boxes import Boxes

    def find(rgb: "NDArray[np.uint8]") -> "Boxes":
        height, width = rgb.shape[:2]
        size = detector.picture_size(width, height)
        small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if size[0] < width else cv2.INTER_LINEAR)
        picture = Picture(pts_ns=0, rgb=np.asarray(small, dtype=np.uint8), source_size_px=(width, height))
        seen = detector.detect([picture])[0]
        return Boxes(xyxy=seen.xyxy, confidence=seen.confidence, class_id=seen.class_id)

    return find


def _measure(
    find: "Find", thresholds: registry.Thresholds | None, corpus: Path, trained_on: set[str]
) -> Iterator[Metric]:
    """Yields one row a junction and class, at the confidence the network ships with."""
    from models.train.evaluate import GROUPS, measure
    from models.train.sets import places

    if thresholds is None:
        raise ModelError("only detectors are measured here; see docs/models for the others")
    if not (corpus / "place_d").is_dir():
        raise ConfigError(f"no labelled pictures in {corpus}; give --corpus DIR or set LUKOU_TRAIN")
    cut = {group: min(thresholds.of(c.name.lower()) for c in classes) for group, classes in GROUPS.items()}
    for place in places(corpus, trained_on):
        rows = measure(find, place, levels=sorted(set(cut.values())))
        yield from (row for row in rows if row.conf == cut[row.class_name])


def _calibration(corpus: Path) -> "Iterator[NDArray[np.uint8]]":
    """Yields pictures int8 is fitted to: of junctions whose licence allows it, never of the one that chooses."""
    from models.train.dataset import is_shippable, read_rgb, read_rows

    if not (corpus / "manifest.csv").is_file() and not (corpus / "corpus").is_dir():
        raise ConfigError(f"int8 is fitted to pictures, and there are none in {corpus}; give --corpus DIR")
    rows = [row for row in read_rows(corpus / "corpus") if is_shippable(row) and row.camera.startswith("cam")]
    for row in rows[:: max(1, len(rows) // CALIBRATION_PICTURES)][:CALIBRATION_PICTURES]:
        yield read_rgb(row.image)


def _loss(
    manifest: Manifest, versions: dict[str, tuple[Path, str]], corpus: Path
) -> dict[str, dict[str, float | None]]:
    """Returns AP50 of each version (file, arithmetic) on OpenVINO, by junction and class."""
    from models.boxes import build_reader
    from models.train.evaluate import FLOOR
    from models.train.sets import PLACES
    from vision.detect import NetworkDetector, load_network

    table: dict[str, dict[str, float | None]] = {}
    for column, (path, arithmetic) in versions.items():
        network = load_network(path, "openvino", arithmetic)
        detector = NetworkDetector(manifest, network, build_reader(manifest, confidence=FLOOR), manifest.input)
        for m in _measure(_find_with(detector), manifest.thresholds, corpus, set(PLACES)):
            table.setdefault(f"{m.set} {m.class_name}", {})[column] = m.ap50
    return table


def _say_loss(loss: dict[str, dict[str, float | None]] | None, corpus: Path) -> None:
    if loss is None:
        say(f"accuracy was not measured: no labelled pictures in {corpus}; give --corpus DIR", style="yellow")
        return
    columns = list(next(iter(loss.values())))
    rows = [(name, *("-" if v is None else f"{v:.3f}" for v in values.values())) for name, values in loss.items()]
    show_table("AP50", ("junction and class", *columns), rows)
