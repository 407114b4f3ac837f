"""Queue page, many cases, many reviewers, beside a plain FastAPI + SQLite page of the same query in the same run.

    python benchmarks/queue_page.py --cases 200000 --reviewers 50 --seconds 30

Each reviewer asks for a page, looks at it for about ``--think`` seconds, and asks for the next; everybody's first page
is not counted. Both servers run in a process of their own, twice, taking turns. Prints p50, p95, answered requests and
the server's processor time per answer, which other work on the machine does not change; writes results/queue_page.json.
"""

import argparse
import html
import json
import multiprocessing
import os
import platform
import random
import re
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import httpx
import uvicorn

from api.app import create_app
from api.queue_page import PER_PAGE
from api.server import listen, url_of
from cases.states import CaseState, UserRole
from cases.store import CaseStore
from core.settings import Settings
from evidence.seal import Vault

PASSWORD = "benchmark password"  # noqa: S105 - of a database that is thrown away
PAGES = 40
FIRST = "/queue?state=QUEUED"
OUT = Path(__file__).with_name("results") / "queue_page.json"


def fill(home: Path, cases: int) -> None:
    """Writes cases of all states straight into the tables; the audit chain is not what is measured."""
    store = CaseStore.open(f"sqlite:///{home / 'lukou.db'}")
    store.add_user("li", PASSWORD, UserRole.OFFICER)
    store.close()
    rng, start = random.Random(1), datetime(2026, 1, 1, tzinfo=UTC)  # noqa: S311 - numbers, not secrets
    states = [state.value for state in CaseState][:4]
    rows = []
    for n in range(cases):
        at = (start + timedelta(seconds=60 * n)).isoformat(timespec="microseconds")
        state = rng.choices(states, weights=[8, 2, 60, 30])[0]
        violation = f"V{rng.choice([1, 2, 3, 5, 6, 8]):02d}"
        head = (f"01BENCH{n:019d}", f"key/{n}", "S0", violation, "site", f"cam-{n % 40}", "路口", "由南向北", at, n)
        rows.append((*head, "CAR", "0" * 64, "0" * 64, "[]", state, at, at))
    database = sqlite3.connect(home / "lukou.db")
    marks = ",".join("?" * 17)
    names = (
        "case_id,candidate_key,session_id,violation_id,site_id,camera_id,place,direction,occurred_utc,onset_ns,subject,"
        "manifest_sha256,entry_sha256,cues,state,created_utc,changed_utc"
    )
    database.executemany(f"INSERT INTO cases ({names}) VALUES ({marks})", rows)  # noqa: S608 - constant names
    database.execute("ANALYZE")
    database.commit()
    database.close()


def serve_lukou(home: Path, port: Any) -> None:
    """Serves the console."""
    settings = Settings(home=home)
    store = CaseStore.open(settings.database)
    _serve(create_app(settings, store, Vault(settings.evidence_dir, settings.keys_dir)), port)


def serve_plain(home: Path, port: Any) -> None:
    """Serves what one writes on the first day: one handler, sqlite3, the same rows as JSON."""
    from fastapi import FastAPI

    app = FastAPI()

    @app.get("/queue")
    def queue(state: str = "QUEUED", page: int = 1) -> dict[str, Any]:
        database = sqlite3.connect(home / "lukou.db")
        database.row_factory = sqlite3.Row
        total = database.execute("SELECT count(*) FROM cases WHERE state=?", (state,)).fetchone()[0]
        rows = database.execute(
            "SELECT * FROM cases WHERE state=? ORDER BY created_utc LIMIT ? OFFSET ?",
            (state, PER_PAGE, (page - 1) * PER_PAGE),
        ).fetchall()
        counts = database.execute("SELECT state, count(*) FROM cases GROUP BY state").fetchall()
        database.close()
        return {"total": total, "rows": [dict(row) for row in rows], "counts": [tuple(row) for row in counts]}

    _serve(app, port)


def _serve(app: Any, port: Any) -> None:
    listener = listen("127.0.0.1", 0)
    port.put(url_of(listener, "127.0.0.1").rstrip("/"))
    uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run(sockets=[listener])


def ask(url: str, reviewers: int, seconds: float, think_s: float, *, has_login: bool) -> list[float]:
    """Returns how long each answer took, ms."""
    cookies = httpx.Cookies()
    if has_login:
        with httpx.Client(base_url=url) as client:
            token = client.get("/login").text.split('name="csrf" content="')[1][:64]
            client.post("/login", data={"name": "li", "password": PASSWORD, "csrf": token})
            cookies = client.cookies
    took: list[float] = []
    clients = [httpx.Client(base_url=url, cookies=cookies, timeout=30, verify=False) for _ in range(reviewers)]  # noqa: S501 - no TLS here
    counted = time.monotonic() + think_s
    end = counted + seconds

    def review(number: int) -> None:
        rng, address = random.Random(number), FIRST  # noqa: S311 - how long somebody looks
        with clients[number] as client:
            time.sleep(rng.uniform(0, think_s))
            while (now := time.monotonic()) < end:
                began = time.perf_counter()
                answer = client.get(address)
                if now >= counted:
                    took.append((time.perf_counter() - began) * 1000)
                answer.raise_for_status()
                address = following(address, answer)
                time.sleep(think_s * rng.uniform(0.5, 1.5))

    threads = [threading.Thread(target=review, args=(n,)) for n in range(reviewers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def following(address: str, answer: httpx.Response) -> str:
    """Returns the address of the page after this one; the first after ``PAGES``."""
    if "json" in answer.headers["content-type"]:
        page = int(address.partition("page=")[2] or 1)
        return FIRST if page >= PAGES else f"{FIRST}&page={page + 1}"
    found = re.search(r'href="([^"]*page=(\d+)[^"]*)" rel="next"', answer.text)
    return FIRST if found is None or int(found[2]) > PAGES else html.unescape(found[1])


def measure(serve: Any, home: Path, arguments: argparse.Namespace, *, has_login: bool) -> tuple[list[float], float]:
    """Returns the times of one round against a server in a process of its own, and its processor time, seconds."""
    context = multiprocessing.get_context("spawn")
    port = context.Queue()
    server = context.Process(target=serve, args=(home, port), daemon=True)
    server.start()
    try:
        url = port.get(timeout=120)
        before = processor_s(server.pid)
        took = ask(url, arguments.reviewers, arguments.seconds, arguments.think, has_login=has_login)
        return took, processor_s(server.pid) - before
    finally:
        server.terminate()
        server.join()


def processor_s(pid: int | None) -> float:
    """Returns the processor time a process has used, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def describe(rounds: list[tuple[list[float], float]]) -> dict[str, float]:
    """Returns percentiles, number and processor time per answer."""
    times_ms = [ms for took, _ in rounds for ms in took]
    cuts = statistics.quantiles(times_ms, n=100)
    return {
        "p50_ms": round(cuts[49], 1),
        "p95_ms": round(cuts[94], 1),
        "answers": len(times_ms),
        "processor_ms": round(1000 * sum(used for _, used in rounds) / len(times_ms), 1),
    }


def main() -> None:
    """Fills, measures both twice, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--reviewers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--think", type=float, default=2.0, help="seconds a reviewer looks at a page")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        fill(home, arguments.cases)
        found: dict[str, list[tuple[list[float], float]]] = {"lukou": [], "plain FastAPI + sqlite3": []}
        for _ in range(2):
            found["lukou"].append(measure(serve_lukou, home, arguments, has_login=True))
            found["plain FastAPI + sqlite3"].append(measure(serve_plain, home, arguments, has_login=False))
    result = {
        "machine": f"{platform.machine()} {multiprocessing.cpu_count()} cores",
        "load": round(os.getloadavg()[0], 1),
        **vars(arguments),
        "servers": {key: describe(rounds) for key, rounds in found.items()},
    }
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    for key, values in result["servers"].items():
        times = f"p50 {values['p50_ms']:7.1f} ms  p95 {values['p95_ms']:7.1f} ms  {values['answers']} answers"
        print(f"{key:28} {times}  {values['processor_ms']:.1f} ms of processor time each")


if __name__ == "__main__":
    main()
