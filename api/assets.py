"""Scripts and styles: below the folder named after their content a browser keeps them, and never mixes versions."""

import hashlib
from functools import cache
from importlib.resources import files

from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

FOR_EVER = "public, max-age=31536000, immutable"


@cache
def version() -> str:
    """Returns a mark of the static files' content."""
    digest = hashlib.sha256()
    for entry in sorted((files("api") / "static").iterdir(), key=lambda e: e.name):
        if entry.is_file():
            digest.update(entry.read_bytes())
    return digest.hexdigest()[:12]


class Assets(StaticFiles):
    """The static files, once as they are and once below their version; what a script imports is of its version."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Returns a file, to be kept for ever when it was asked for by its version."""
        folder, _, name = path.partition("/")
        if folder != version():
            return await super().get_response(path, scope)
        answer = await super().get_response(name, scope)
        answer.headers["Cache-Control"] = FOR_EVER
        return answer
