"""Every error Lukou raises on purpose, as one tree.

    LukouError
    ├── ConfigError                 a site file, overlay or setting is wrong
    ├── SourceError                 footage cannot be used
    │   ├── SourceUnreachable       missing file, no permission, dead address
    │   ├── SourceUndecodable       not video, empty, damaged beyond reading
    │   └── ClockUntrusted          no usable time for the footage
    ├── ModelError                  a network cannot be loaded
    │   └── ManifestMismatch        weights are not the ones the manifest names
    ├── EvidenceError               a package cannot be sealed or trusted
    │   ├── AlreadySealed           write-once store already holds the object
    │   ├── HashMismatch            bytes differ from what was sealed
    │   └── SignatureInvalid        signature does not match key and content
    ├── CaseError                   a case operation is not possible
    │   ├── CaseNotFound
    │   ├── WrongState              the case is not in a state that allows it
    │   ├── NotAllowed              the person lacks the permission
    │   └── ConflictOfInterest      the same person may not do both steps
    └── StoreError                  disk or database refuses (full, read-only)

A message is one line, says what is wrong and what to do; identifiers are fields.
"""

from typing import Any


class LukouError(Exception):
    """Base of all deliberate errors; ``fields`` holds the identifiers the message is about."""

    def __init__(self, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields


class ConfigError(LukouError):
    """A site file, overlay or setting is wrong."""


class SourceError(LukouError):
    """Footage cannot be used."""


class SourceUnreachable(SourceError):
    """The file or address cannot be opened."""


class SourceUndecodable(SourceError):
    """The bytes are not usable video."""


class ClockUntrusted(SourceError):
    """No usable time for the footage."""


class ModelError(LukouError):
    """A network cannot be loaded."""


class ManifestMismatch(ModelError):
    """The weights are not the ones the manifest names."""


class EvidenceError(LukouError):
    """A package cannot be sealed or trusted."""


class AlreadySealed(EvidenceError):
    """The write-once store already holds the object."""


class HashMismatch(EvidenceError):
    """Bytes differ from what was sealed."""


class SignatureInvalid(EvidenceError):
    """The signature does not match key and content."""


class CaseError(LukouError):
    """A case operation is not possible."""


class CaseNotFound(CaseError):
    """No case with this id."""


class WrongState(CaseError):
    """The case is not in a state that allows the step."""


class NotAllowed(CaseError):
    """The person lacks the permission."""


class ConflictOfInterest(CaseError):
    """The same person may not do both steps."""


class StoreError(LukouError):
    """Disk or database refuses."""
