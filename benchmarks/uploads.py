"""Citizens' reports of 3 x 3 MB at a steady rate, beside a plain FastAPI server that only writes the bytes to disk.

    python benchmarks/uploads.py --rate 20 --seconds 60

Both servers run in a process of their own, twice, taking turns, asked by the same client at the same rate. Lukou's desk
inspects meanwhile, as shipped. Afterwards every report that was acknowledged must be in the database and every byte of
it on the disk. Prints rate, answer times and processor time an upload; writes results/uploads.json.
"""

import argparse
import hashlib
import http.client
import io
import json
import multiprocessing
import os
import platform
import queue
import resource
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import uvicorn
from PIL import Image

from api.app import create_app
from api.server import listen, url_of
from cases.media import MediaStore
from cases.report import DAILY_LIMIT
from cases.store import CaseStore
from core.settings import Settings
from evidence.seal import Vault

FILES, FILE_BYTES = 3, 3_000_000
PASSWORD = "benchmark password"  # noqa: S105 - of a database that is thrown away
CONNECTIONS = 32
BOUNDARY = b"lukou-benchmark"
OUT = Path(__file__).with_name("results") / "uploads.json"


@dataclass
class Round:
    """What one server did: seconds each answer took, ids it acknowledged, its processor time."""

    took_s: list[float] = field(default_factory=list)
    acknowledged: dict[str, list[str]] = field(default_factory=dict)
    refused: int = 0
    lasted_s: float = 0.0
    cpu_s: float = 0.0
    desk_cpu_s: float = 0.0


def photo() -> bytes:
    """Returns a JPEG of 3 MB: a noisy picture, filled up behind its end."""
    rng = np.random.default_rng(1)
    side = rng.normal(120, 30, (1200, 1600, 3)).clip(0, 255).astype(np.uint8)
    target = io.BytesIO()
    Image.fromarray(side).save(target, "JPEG", quality=90)
    content = target.getvalue()
    return content + bytes(max(0, FILE_BYTES - 16 - len(content)))


def body(number: int, content: bytes) -> tuple[list[bytes], list[str]]:
    """Returns the pieces of one request and the hashes of its files; no two files are alike."""
    at = f"{datetime.now(UTC) - timedelta(minutes=5):%Y-%m-%dT%H:%M:%S+00:00}"
    fields = {"violation": "V06", "plate": f"苏C{10000 + number % 90000}", "occurred": at, "place": f"路口{number}"}
    pieces = [
        f'--{BOUNDARY.decode()}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    hashes = []
    for index in range(FILES):
        tail = f"{number:012d}{index:04d}".encode()
        hashes.append(hashlib.sha256(content + tail).hexdigest())
        head = f'--{BOUNDARY.decode()}\r\nContent-Disposition: form-data; name="files"; filename="{index}.jpg"\r\n\r\n'
        pieces += [head.encode(), content, tail, b"\r\n"]
    return [*pieces, b"--" + BOUNDARY + b"--\r\n"], hashes


def send(address: Any, number: int, content: bytes, tokens: list[str], found: Round) -> None:
    """Sends one report and notes the answer."""
    pieces, hashes = body(number, content)
    headers = {
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}",
        "Content-Length": str(sum(map(len, pieces))),
        "Authorization": f"Bearer {tokens[number % 1_000_000 // DAILY_LIMIT]}",
    }
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=120)
    began = time.perf_counter()
    connection.request("POST", "/api/v1/reports", body=iter(pieces), headers=headers)
    answer = connection.getresponse()
    text = answer.read()
    found.took_s.append(time.perf_counter() - began)
    connection.close()
    if answer.status in (200, 201):
        found.acknowledged[json.loads(text)["report_id"]] = hashes
    else:
        found.refused += 1


def offer(url: str, arguments: argparse.Namespace, tokens: list[str], first: int) -> Round:
    """Returns what became of so many uploads a second; a server that is too slow gets them later, none is left out."""
    found, content, address = Round(), photo(), urlsplit(url)
    due: queue.Queue[int | None] = queue.Queue()

    def work() -> None:
        while (number := due.get()) is not None:
            send(address, number, content, tokens, found)

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    for index in range(int(arguments.rate * arguments.seconds)):
        time.sleep(max(0.0, began + index / arguments.rate - time.perf_counter()))
        due.put(first + index)
    for _ in threads:
        due.put(None)
    for thread in threads:
        thread.join()
    found.lasted_s = time.perf_counter() - began
    return found


def serve_lukou(home: Path, told: Any) -> None:
    """Serves the citizens' page as shipped."""
    settings = Settings(home=home)
    store = CaseStore.open(settings.database)
    _serve(create_app(settings, store, Vault(settings.evidence_dir, settings.keys_dir)), told)


def serve_plain(home: Path, told: Any) -> None:
    """Serves what one writes on the first day: the files go to the disk, nobody waits until they are there."""
    from fastapi import FastAPI, UploadFile

    app = FastAPI()

    @app.post("/api/v1/reports")
    def take(files: list[UploadFile]) -> dict[str, str]:
        report_id = os.urandom(8).hex()
        for number, file in enumerate(files):
            with (home / f"{report_id}-{number}").open("wb") as target:
                shutil.copyfileobj(file.file, target)
        return {"report_id": report_id}

    _serve(app, told)


def _serve(app: Any, told: Any) -> None:
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))

    def watch() -> None:
        told.send(url_of(listener, "127.0.0.1").rstrip("/"))
        before = _cpu_s()
        told.recv()  # the client is done
        told.send([now - then for now, then in zip(_cpu_s(), before, strict=True)])

    threading.Thread(target=watch, daemon=True).start()
    server.run(sockets=[listener])


def _cpu_s() -> tuple[float, float]:
    """Returns processor time of this process and of the inspectors that ended."""
    own, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime, ended.ru_utime + ended.ru_stime


def measure(serve: Callable[[Path, Any], None], home: Path, arguments: argparse.Namespace, first: int) -> Round:
    """Returns one round against a server in a process of its own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    tokens = [""] * 10_000
    if serve is serve_lukou:
        tokens = _citizens(home, int(arguments.rate * arguments.seconds))
    server = context.Process(target=serve, args=(home, there), daemon=True)
    server.start()
    try:
        found = offer(here.recv(), arguments, tokens, first)
        here.send("done")
        found.cpu_s, found.desk_cpu_s = here.recv()
        return found
    finally:
        server.kill()
        server.join()


def _citizens(home: Path, reports: int) -> list[str]:
    """Returns the tokens of enough accounts, none of which reaches its daily limit."""
    from api.security import Sessions, load_secret

    settings = Settings(home=home)
    store = CaseStore.open(settings.database)
    sessions = Sessions(load_secret(settings), "lukou.citizen")
    handles = [store.reports.register(PASSWORD) for _ in range(reports // DAILY_LIMIT + 1)]
    store.close()
    return [sessions.seal(sessions.begin(handle)) for handle in handles]


def lost(home: Path, rounds: list[Round]) -> int:
    """Returns how many acknowledged reports are not in the database with every byte on the disk."""
    store, media = CaseStore.open(Settings(home=home).database), MediaStore(home / "reports")
    missing = 0
    for report_id, hashes in (pair for found in rounds for pair in found.acknowledged.items()):
        kept = [medium.sha256 for medium in store.reports.get(report_id).media]
        whole = [hashlib.sha256(media.path(name).read_bytes()).hexdigest() for name in kept]
        missing += not kept == whole == hashes
    store.close()
    return missing


def describe(rounds: list[Round]) -> dict[str, float]:
    """Returns rate, percentiles and processor time an upload."""
    took = [took for found in rounds for took in found.took_s]
    count = len(took)
    cuts = statistics.quantiles(took, n=100)
    return {
        "uploads": count,
        "refused": sum(found.refused for found in rounds),
        "per_s": round(count / sum(found.lasted_s for found in rounds), 2),
        "p50_s": round(cuts[49], 3),
        "p95_s": round(cuts[94], 3),
        "server_cpu_ms_an_upload": round(1000 * sum(found.cpu_s for found in rounds) / count, 1),
        "inspector_cpu_ms_an_upload": round(1000 * sum(found.desk_cpu_s for found in rounds) / count, 1),
    }


def main() -> None:
    """Measures both twice, looks for what was lost, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=20, help="uploads a second that are offered")
    parser.add_argument("--seconds", type=float, default=60, help="length of each of the two rounds")
    arguments = parser.parse_args()
    rounds: dict[str, list[Round]] = {"lukou": [], "plain FastAPI": []}
    missing = 0
    for turn in range(2):
        for name, serve in (("lukou", serve_lukou), ("plain FastAPI", serve_plain)):
            with tempfile.TemporaryDirectory(prefix="lukou-uploads-") as folder:
                found = measure(serve, Path(folder), arguments, turn * 1_000_000)
                rounds[name].append(found)
                missing += lost(Path(folder), [found]) if name == "lukou" else 0
    result = {
        "machine": f"{platform.machine()} {multiprocessing.cpu_count()} cores",
        **vars(arguments),
        "lost": missing,
        "servers": {name: describe(found) for name, found in rounds.items()},
    }
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps(result, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
