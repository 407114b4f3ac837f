"""Is anything lost or doubled while a part is gone for a minute? Disk, database, network, a decoder, one by one.

    python benchmarks/faults.py [--gone-s S] [--cameras N] [--out FILE]

Scripted riders pass each camera every 4 s the wrong way, so who must be filed is known. Stretches nobody looked at
must be on record, and every rider outside of them filed once. About six minutes at the usual 60 s.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.detect import machine  # noqa: E402  # run as a script, the repository is not on the path yet
from core import log  # noqa: E402
from tests.support.faults import suffer  # noqa: E402


def main() -> None:
    """Prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gone-s", type=float, default=60.0)
    parser.add_argument("--cameras", type=int, default=2)
    parser.add_argument("--out", type=Path)
    wanted = parser.parse_args()
    log.configure(level="critical")
    with tempfile.TemporaryDirectory() as home:
        told = suffer(Path(home), gone_s=wanted.gone_s, count=wanted.cameras)
    text = json.dumps({"benchmark": "faults", "machine": machine(), **told}, indent=1)
    print(text)
    if wanted.out:
        wanted.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
