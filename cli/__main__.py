"""``python -m cli``: the same as ``lukou``."""

from cli.main import run

run()
