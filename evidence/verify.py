"""Verification inside Lukou: the same checks as the stand-alone verifier, as values.

``python -m evidence.verify PATH`` is the stand-alone verifier itself.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evidence import standalone


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether everything is as it was sealed; each problem names the file or entry it is about."""

    is_valid: bool
    problems: tuple[str, ...] = ()


def _verdict(problems: list[str]) -> Verdict:
    return Verdict(is_valid=not problems, problems=tuple(problems))


def verify_package(path: Path, *, public_key_pem: bytes | None = None) -> Verdict:
    """Returns the verdict on one package; without a key, against the key inside it (no proof of origin)."""
    return _verdict(standalone.check_package(path, public_key_pem))


def verify_chain(
    root: Path, *, public_key_pem: bytes | None = None, expected_entries: Mapping[str, str] | None = None
) -> Verdict:
    """Returns the verdict on a store's chain and that it fits the packages there.

    ``expected_entries`` maps case id to the entry hash the database remembers: only with it does a tail show that
    was cut off together with its packages.
    """
    return _verdict(standalone.check_chain(root, public_key_pem, expected_entries))


def verify_store(
    root: Path, *, public_key_pem: bytes | None = None, expected_entries: Mapping[str, str] | None = None
) -> Verdict:
    """Returns the verdict on a whole store: chain, and every file of every package."""
    return _verdict(standalone.check_store(root, public_key_pem, expected_entries))


def verify_path(path: Path, *, public_key_pem: bytes | None = None) -> Verdict | None:
    """Returns the verdict on a package, a store or an unpacked export; None when the folder is none of them."""
    found = standalone.check(path, public_key_pem)
    return None if found is None else _verdict(found[1])


def verify_case(root: Path, package: Path, *, public_key_pem: bytes | None = None) -> Verdict:
    """Returns the verdict on one case of a store: its package and its own chain entry."""
    return _verdict(standalone.check_case(root, package, public_key_pem))


if __name__ == "__main__":
    sys.exit(standalone.main())
