"""Writes the files of one package into a folder: originals, derivatives, manifest, signature."""

import hashlib
from pathlib import Path

from core.catalogue import catalogue
from core.time import Clock
from evidence import disk, standalone
from evidence.composite import Original, build_composite
from evidence.conformance import check_conformance
from evidence.draft import Box, Draft
from evidence.manifest import FileEntry, Manifest, build_manifest, canonical_bytes, manifest_bytes
from evidence.picture import NAMES, build_closeup, encode_jpeg
from evidence.playable import PROXY, make_playable
from evidence.sign import Signer


def write_package(draft: Draft, folder: Path, signer: Signer, clock: Clock) -> tuple[Manifest, str]:
    """Returns the manifest of a draft and the SHA-256 of its bytes; every file is written and synced.

    Raises:
        EvidenceError: a value of the draft has no place in a manifest.
    """
    violation = catalogue().get(draft.violation_id)
    content = {NAMES[s.role]: encode_jpeg(s.rgb) for s in draft.stills}
    panoramas = tuple(
        Original(still=s, content=content[name], sha256=hashlib.sha256(content[name]).hexdigest())
        for s in draft.panoramas
        for name in [NAMES[s.role]]
    )
    if "SUBJECT.jpg" not in content:
        content["SUBJECT.jpg"] = build_closeup(max(draft.panoramas, key=lambda s: _area(s.xyxy)))
    content["COMPOSITE.jpg"], facts = build_composite(draft, violation, panoramas)
    content["TRACK.json"] = canonical_bytes(draft.track)
    content[standalone.PUBLIC_KEY] = signer.public_key_pem
    for name, data in content.items():
        disk.write_file(folder / name, data)
    manifest = build_manifest(
        draft,
        catalogue(),
        files=[_entry(folder / name) for name in sorted([*content, *_copy_footage(draft, folder)])],
        composite=facts,
        conformance=check_conformance(draft, violation),
        sealed_utc=clock.now_utc(),
        key_id=signer.key_id,
    )
    signed = manifest_bytes(manifest)
    digest = hashlib.sha256(signed).hexdigest()
    disk.write_file(folder / standalone.MANIFEST, signed)
    disk.write_file(folder / standalone.SIGNATURE, _signature(signer, signed, digest))
    disk.sync_dir(folder)
    return manifest, digest


def _copy_footage(draft: Draft, folder: Path) -> list[str]:
    """Returns the names of what came as files: handed-in originals, the clip and what makes it playable."""
    copies = {a.name: a.path for a in draft.attachments}
    if draft.clip is not None:
        copies["CLIP.mp4"] = draft.clip
    for name, path in copies.items():
        disk.copy_file(path, folder / name)
    names = list(copies)
    if draft.clip is not None and make_playable(folder / "CLIP.mp4", folder / PROXY):
        disk.settle(folder / PROXY)
        names.append(PROXY)
    return names


def _signature(signer: Signer, signed: bytes, digest: str) -> bytes:
    return canonical_bytes(
        {
            "algorithm": "Ed25519",
            "key_id": signer.key_id,
            "manifest_sha256": digest,
            "signature": signer.sign(signed).hex(),
        }
    )


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _entry(path: Path) -> FileEntry:
    return FileEntry(name=path.name, size_bytes=path.stat().st_size, sha256=standalone.sha256_of(path))
