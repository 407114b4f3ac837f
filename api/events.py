"""``/api/v1/events``: server-sent events that tell an open page when cases came or were decided."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.access import CaseReader, Parts
from api.console import Console

router = APIRouter(prefix="/api/v1")
LOOK_S = 2.0
"""How often one stream looks; all streams share one look at the database (``api.kept``)."""
COMMENT_EVERY = 8
"""Looks without news before a comment keeps the connection open through proxies."""
LONGEST_S = 600.0
"""A stream ends after this and the browser asks again, which checks the login again."""


@router.get("/events")
async def events(request: Request, console: Parts, _user: CaseReader) -> StreamingResponse:
    """Streams an event ``queue`` with the number of cases per state whenever a step was taken."""
    return StreamingResponse(
        stream(console, request), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


async def stream(console: Console, request: Request, *, look_s: float = LOOK_S) -> AsyncIterator[str]:
    """Yields events in the form of the HTML standard; the id is the number of the last audit entry."""
    last: int | None = None
    quiet = 0
    for _ in range(int(LONGEST_S / look_s)):
        if await request.is_disconnected():
            return
        news = await run_in_threadpool(console.kept.get, "news", lambda: _news(console))
        quiet += 1
        if news["seq"] != last:
            last, quiet = news["seq"], 0
            yield f"id: {last}\nevent: queue\ndata: {json.dumps(news)}\n\n"
        elif quiet % COMMENT_EVERY == 0:
            yield ": nothing new\n\n"
        await asyncio.sleep(look_s)


def _news(console: Console) -> dict[str, Any]:
    seq, _ = console.store.audit_head()
    states = {state.value: number for state, number in console.store.counts_by_state().items()}
    return {"seq": seq, "states": states}
