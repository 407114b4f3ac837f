"""Serving the console: one process, one port, announced once it answers."""

import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from core.errors import ConfigError

STOP_S = 3
"""What is still open when the server ends (an event stream never ends by itself) gets this long."""


def serve(app: FastAPI, host: str, port: int, *, ready: Callable[[str], None] | None = None) -> None:
    """Serves until interrupted; ``ready`` is told the URL as soon as the port is open. Port 0 picks a free one.

    Raises:
        ConfigError: the port cannot be had.
    """
    listener = listen(host, port)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=STOP_S,
    )
    server = uvicorn.Server(config)
    if ready is not None:
        ready(url_of(listener, host))
    server.run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """Returns a listening socket.

    Raises:
        ConfigError: the port cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise ConfigError(
            f"cannot listen on {host}:{port} ({error}); choose another with --port or LUKOU_PORT, 0 picks a free one"
        ) from error
    listener.listen(128)
    return listener


def url_of(listener: socket.socket, host: str) -> str:
    """Returns the address a browser on this machine opens."""
    port = listener.getsockname()[1]
    name = {"0.0.0.0": "127.0.0.1", "::": "localhost"}.get(host, host)  # noqa: S104 - shown, not bound
    return f"http://{f'[{name}]' if ':' in name else name}:{port}/"
