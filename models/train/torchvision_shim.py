"""Stands in for torchvision where only the CPU build of torch is installed.

torchvision from PyPI is linked against CUDA and does not import beside the CPU wheel. Ultralytics needs
nothing of it but ``ops.nms`` and a version. Install it with ``pip install --no-deps ultralytics`` and call
``install()`` before it is imported. Can go once PyPI carries a torchvision for CPU torch.
"""

import importlib.machinery
import importlib.metadata
import sys
import types
from importlib.util import find_spec
from typing import Any

VERSION = "0.28.0"


def install() -> None:
    """Registers the stand-in, unless a torchvision is installed."""
    if "torchvision" in sys.modules or find_spec("torchvision") is not None:
        return
    package, ops = types.ModuleType("torchvision"), types.ModuleType("torchvision.ops")
    package.__spec__ = importlib.machinery.ModuleSpec("torchvision", None)
    ops.__spec__ = importlib.machinery.ModuleSpec("torchvision.ops", None)
    package.__path__ = []
    vars(package).update(__version__=VERSION, ops=ops)
    vars(ops).update(nms=_nms)
    sys.modules.update({"torchvision": package, "torchvision.ops": ops})
    original = importlib.metadata.version
    vars(importlib.metadata)["version"] = lambda name: VERSION if name == "torchvision" else original(name)


def _nms(boxes: Any, scores: Any, iou: float) -> Any:
    from ultralytics.utils.nms import TorchNMS

    return TorchNMS.nms(boxes, scores, iou)
