"""``lukou openapi``: the JSON interface as a document for other programs."""

from cli.console import emit


def openapi() -> None:
    """Prints the JSON interface as OpenAPI 3.1."""
    from api.openapi import document
    from cli.main import installed_version

    emit(document(installed_version()))
