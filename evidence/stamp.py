"""RFC 3161 timestamps: somebody outside says that these bytes existed at this time."""

import hashlib
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from cryptography.x509 import Certificate, load_pem_x509_certificates
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from core.errors import ConfigError, StoreError

ANSWER_MAX_S = 20.0
ANSWER_MAX_BYTES = 1 << 20
TYPE = "application/timestamp-query"


def request_stamp(content: bytes, url: str) -> bytes:
    """Returns the answer of a timestamp authority about some bytes (DER), checked to be about them.

    Raises:
        ConfigError: the address is not http or https.
        StoreError: the authority cannot be reached or refuses; ask again later.
    """
    if not url.startswith(("https://", "http://")):
        raise ConfigError(f"timestamp authority '{url}' is no http address; correct LUKOU_TSA_URL")
    query = TimestampRequestBuilder().data(content).hash_algorithm(HashAlgorithm.SHA256).build()
    request = urllib.request.Request(url, query.as_bytes(), {"Content-Type": TYPE})  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_MAX_S) as answer:  # noqa: S310 - checked above
            content_der: bytes = answer.read(ANSWER_MAX_BYTES)
    except (OSError, urllib.error.URLError) as error:
        reason = getattr(error, "reason", error)
        raise StoreError(f"timestamp authority {url} does not answer ({reason}); asked again next time") from error
    response = _decoded(content_der, url)
    if response.tst_info.nonce != query.nonce or not _is_about(response, content):
        raise StoreError(f"timestamp authority {url} stamped something else; asked again next time")
    return content_der


def stamp_problem(content: bytes, stamp: bytes, certificates: Path | None) -> str | None:
    """Returns what is wrong with the stamp of some bytes, None when it is sound.

    Without ``certificates`` (PEM, the authority's roots) the stamp is only checked to be about these bytes.

    Raises:
        ConfigError: the certificates cannot be read.
    """
    try:
        response = decode_timestamp_response(stamp)
    except ValueError:
        return "changed or damaged; it no longer holds a timestamp"
    if certificates is None:
        return None if _is_about(response, content) else "is about other bytes"
    builder = VerifierBuilder()
    for certificate in _certificates(certificates):
        builder = builder.add_root_certificate(certificate)
    try:
        builder.build().verify_message(response, content)
    except (VerificationError, ValueError) as error:
        return f"not a stamp of the trusted authority about these bytes ({error})"
    return None


def stamped_utc(stamp: bytes) -> datetime:
    """Returns the time a sound stamp states."""
    return decode_timestamp_response(stamp).tst_info.gen_time.astimezone(UTC)


def _decoded(content: bytes, url: str) -> TimeStampResponse:
    try:
        response = decode_timestamp_response(content)
    except ValueError as error:
        raise StoreError(f"{url} does not answer like a timestamp authority; check LUKOU_TSA_URL") from error
    if response.status not in (PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS):
        raise StoreError(f"timestamp authority {url} refuses (status {response.status}); asked again next time")
    return response


def _is_about(response: TimeStampResponse, content: bytes) -> bool:
    try:
        return response.tst_info.message_imprint.message == hashlib.sha256(content).digest()
    except ValueError:
        return False


def _certificates(path: Path) -> list[Certificate]:
    try:
        return load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"certificate of the timestamp authority {path} cannot be read; correct its path") from error
