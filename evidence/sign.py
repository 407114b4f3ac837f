"""Ed25519 signatures: one key per installation, made at first use, never readable by others."""

import hashlib
import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from core.errors import EvidenceError
from core.log import get
from evidence import disk

log = get(__name__)

KEY_NAME = "evidence_signing.pem"


class Signer:
    """Signs bytes with the installation's key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        public = key.public_key()
        self.public_key_pem: bytes = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.key_id: str = hashlib.sha256(der).hexdigest()
        """SHA-256 of the public key in DER, hex: what an authority publishes."""

    def sign(self, message: bytes) -> bytes:
        """Returns the 64-byte signature of a message."""
        return self._key.sign(message)


def load_signer(key_dir: Path, *, may_create: bool = True) -> Signer:
    """Returns the signer of an installation; makes its key when there is none and that is allowed.

    Raises:
        EvidenceError: the key is missing, damaged or readable by others.
        StoreError: the key folder cannot be written.
    """
    path = key_dir / KEY_NAME
    if not path.exists():
        if not may_create:
            raise EvidenceError(
                f"signing key {path} is missing but sealed evidence exists; restore the key from backup", path=str(path)
            )
        _create_key(path)
    return Signer(_load_key(path))


def _create_key(path: Path) -> None:
    text = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with disk.store_errors(path.parent, "writing the signing key"):
        disk.make_dirs(path.parent, mode=0o700)
        draft = path.with_name(f".{KEY_NAME}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        disk.write_file(draft, text, mode=0o600)
        try:
            os.link(draft, path)  # fails when another process was first: its key counts
            log.info("signing_key_created")
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        disk.sync_dir(path.parent)


def _load_key(path: Path) -> Ed25519PrivateKey:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise EvidenceError(f"signing key {path} can be read by others; run: chmod 600 {path}", path=str(path))
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise EvidenceError(f"signing key {path} cannot be read ({error.strerror}); check its owner") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise EvidenceError(f"signing key {path} is damaged; restore it from backup", path=str(path)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise EvidenceError(f"signing key {path} is not an Ed25519 key; restore the right one", path=str(path))
    return key
