"""Resumable uploads: tus 1.0 (core, creation, expiration, termination) under /api/v1/uploads.

A file arrives in as many requests as the network needs; the finished upload's id goes into the report.

Source: tus resumable upload protocol 1.0.0.
"""

import asyncio
from collections.abc import AsyncIterator
from email.utils import format_datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from starlette.requests import ClientDisconnect

from api.access import Parts
from api.citizens import Checked, Reporter
from api.problems import Problem
from api.security import TUS_VERSION, UPLOADS
from cases.uploads import Part, Upload
from evidence.upload import VIDEO_MAX_BYTES

router = APIRouter(prefix=UPLOADS)
PIECE_TYPE = "application/offset+octet-stream"
STALLED_S = 30.0
"""A connection that brings nothing for so long is given up; what it brought is kept."""
BLOCK_BYTES = 1 << 20


def resumable(tus_resumable: Annotated[str | None, Header()] = None) -> None:
    """Lets only requests of this version of the protocol pass.

    Raises:
        Problem: another version, or none named.
    """
    if tus_resumable != TUS_VERSION:
        raise Problem(412, "tus-version", f"send the header Tus-Resumable: {TUS_VERSION}")


Resumable = Depends(resumable)
Bytes = Annotated[int, Header(ge=0)]


@router.options("", status_code=204)
def abilities() -> Response:
    """Tells what of tus is spoken here."""
    headers = {"Tus-Extension": "creation,expiration,termination", "Tus-Max-Size": str(VIDEO_MAX_BYTES)}
    return Response(status_code=204, headers=headers)


@router.post("", status_code=201, dependencies=[Checked, Resumable])
def create(console: Parts, handle: Reporter, upload_length: Bytes) -> Response:
    """Begins an upload of so many bytes; its address is in ``Location``."""
    upload = console.uploads.create(handle, upload_length)
    return Response(status_code=201, headers={"Location": f"{UPLOADS}/{upload.upload_id}"} | _expires(upload))


@router.head("/{upload_id}", dependencies=[Resumable])
def offset(upload_id: str, console: Parts, handle: Reporter) -> Response:
    """Tells how many bytes have arrived."""
    upload = console.uploads.get(handle, upload_id)
    headers = {"Upload-Offset": str(upload.offset), "Upload-Length": str(upload.length)}
    return Response(headers=headers | _expires(upload))


@router.patch(
    "/{upload_id}",
    status_code=204,
    dependencies=[Checked, Resumable],
    openapi_extra={"requestBody": {"content": {PIECE_TYPE: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def append(upload_id: str, request: Request, console: Parts, handle: Reporter, upload_offset: Bytes) -> Response:
    """Appends the next piece; what arrives before a connection breaks is kept."""
    if request.headers.get("content-type") != PIECE_TYPE:
        raise Problem(415, "tus-content-type", f"send the piece as {PIECE_TYPE}")
    upload = await run_in_threadpool(console.uploads.get, handle, upload_id)
    if upload_offset + int(request.headers.get("content-length", 0)) > upload.length:
        raise Problem(413, "too-large", "more bytes than were announced with Upload-Length; begin a new upload")
    part = await run_in_threadpool(console.uploads.open, handle, upload_id, upload_offset)
    try:
        arrived = await _receive(request, part)
    finally:
        await run_in_threadpool(part.close)
    return Response(status_code=204, headers={"Upload-Offset": str(arrived)} | _expires(upload))


@router.delete("/{upload_id}", status_code=204, dependencies=[Checked, Resumable])
def remove(upload_id: str, console: Parts, handle: Reporter) -> Response:
    """Removes an upload that is not wanted any more."""
    console.uploads.remove(handle, console.uploads.get(handle, upload_id).upload_id)
    return Response(status_code=204)


async def _receive(request: Request, part: Part) -> int:
    waiting = bytearray()
    async for block in _blocks(request):
        waiting += block
        if len(waiting) >= BLOCK_BYTES:
            await run_in_threadpool(part.write, bytes(waiting))
            waiting.clear()
    await run_in_threadpool(part.write, bytes(waiting))
    return part.offset


async def _blocks(request: Request) -> AsyncIterator[bytes]:
    """Yields the body as it arrives, to its end or to where the connection broke."""
    stream = request.stream()
    try:
        while True:
            yield await asyncio.wait_for(anext(stream), STALLED_S)
    except (StopAsyncIteration, ClientDisconnect, TimeoutError):
        return


def _expires(upload: Upload) -> dict[str, str]:
    return {"Upload-Expires": format_datetime(upload.expires_utc, usegmt=True)}
