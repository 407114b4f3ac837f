"""Where a camera's live pictures come from: the ``source`` part of a site file."""

from __future__ import annotations

import os
import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.errors import ConfigError

Corner = tuple[float, float]
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
USER_PART = re.compile(r"(?<=://)[^/@]*@")


class Recording(BaseModel):
    """Everything a camera sends, kept beside the evidence for a while. The oldest goes when either is exceeded."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: float = Field(default=3.0, gt=0, le=365, description="kept this long, days")
    gigabytes: float = Field(default=100.0, gt=0, description="and no more than this, 10^9 bytes")


class Source(BaseModel):
    """One camera's address. Words like ``${CAM_LOGIN}`` in it are taken from the environment, never from the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(min_length=1, description="rtsp://, http(s):// or a video file, which is played at its own speed")
    substream: str | None = Field(
        default=None, min_length=1, description="the camera's small stream: looked at, while evidence is cut from url"
    )
    transport: Literal["tcp", "udp"] = Field(default="tcp", description="how RTSP carries the pictures")
    priority: int = Field(default=5, ge=1, le=9, description="1 is the first to be left out when the machine is full")
    stall_s: float = Field(default=5.0, ge=1, le=60, description="no packet for this long: connect again, s")
    evidence_s: float = Field(default=1200.0, ge=60, le=7200, description="how far back evidence can be cut, s")
    record: Recording | None = Field(default=None, description="record everything the camera sends; left out: nothing")
    is_looped: bool = Field(default=False, description="a file starts again at its end")
    clocks_px: list[tuple[Corner, Corner]] = Field(
        default=[], description="two corners of each burnt-in clock or text: changes there are no motion"
    )

    @model_validator(mode="after")
    def _has_no_password(self) -> Self:
        for url in (self.url, self.substream or ""):
            login = USER_PART.search(url)
            if login and not PLACEHOLDER.search(login[0]):
                raise ValueError("keep the login out of the file: write ${CAM_LOGIN}@ and set CAM_LOGIN=user:password")
        return self


def address(url: str) -> str:
    """Returns a source's url with every ``${NAME}`` filled in from the environment.

    Raises:
        ConfigError: a name is not set.
    """

    def value(found: re.Match[str]) -> str:
        if found[1] not in os.environ:
            raise ConfigError(f"the address needs {found[1]}, which is not set in the environment", name=found[1])
        return os.environ[found[1]]

    return PLACEHOLDER.sub(value, url)


def shown(url: str) -> str:
    """Returns a url that may be logged and printed: without login and query.

    >>> shown("rtsp://admin:secret@10.0.0.5:554/ch1?token=9")
    'rtsp://10.0.0.5:554/ch1'
    """
    return USER_PART.sub("", url).partition("?")[0]
