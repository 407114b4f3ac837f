"""The floors hold: the import contracts of pyproject.toml are kept, and the console starts light."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_import_contracts_are_kept() -> None:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-3000:]


def test_console_starts_without_opencv_networks_or_decoders() -> None:
    code = "import sys, api.app; print(*sorted({'cv2', 'av', 'onnxruntime', 'openvino', 'vision'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.strip() == ""


def test_loading_the_detector_reports_nothing_to_anyone(tmp_path: Path) -> None:
    """OpenVINO's telemetry package would write into the home folder and call out on import."""
    code = (
        "import sys; from vision.detect import load_detector; load_detector();"
        "print(*(name for name, module in sys.modules.items() if name.startswith('openvino_telemetry') and module))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.strip() == ""
    assert not list(tmp_path.iterdir())
