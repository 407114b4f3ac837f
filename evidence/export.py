"""A sealed case as one zip file or folder that verifies itself: package, record, dossier, verifier, instructions.

The same case gives the same bytes every time: names sorted, times fixed, nothing compressed.
"""

import hashlib
import os
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from evidence import disk, standalone
from evidence.seal import Vault

VERIFIER, DOSSIER = "verify.py", "DOSSIER.pdf"
ZIP_TIME = (1980, 1, 1, 0, 0, 0)

README = """道路交通安全违法行为证据包  {case_id}
=====================================

内容
  {case_id}/        原始图片、合成图、录像、轨迹、清单（manifest.json）及其数字签名（manifest.sig）
  chain-entry.json  该证据在本设备证据链中的条目（已签名）
  record.json       审核、异议及审计链条目（人员以代号表示，已签名）
  DOSSIER.pdf       卷宗，供人阅读；以原始文件为准（本机无中文字体时不含此文件）
  roots/            封存日的每日根（已签名）及其时间戳（如有）
  verify.py         独立核验程序：仅需 Python 3.9 及以上和 cryptography 软件包，无需联网

核验步骤
  1. 解压本文件，不要改动其中任何文件或文件夹名。
  2. pip install cryptography
  3. python3 verify.py --key 公钥文件.pem        （公钥请向公安机关交通管理部门索取，勿使用包内公钥证明来源）
  输出 VALID 表示自封存以来一个字节都未改变，且由该公钥的持有者封存；输出 INVALID 时逐行指出被改动的文件。
  不带 --key 时只能证明内容未变，不能证明由谁封存。

公钥指纹（公钥 DER 的 SHA-256，应与公布的一致）
  {key_id}


Traffic violation evidence  {case_id}
=====================================

Content
  {case_id}/        original pictures, composite, video, track, manifest and its signature
  chain-entry.json  the signed entry of this case in the device's hash chain
  record.json       review, objection and audit entries (people under code names), signed
  DOSSIER.pdf       the case on paper, for reading; the originals count (left out where there is no Chinese font)
  roots/            the signed daily root over the case's day and its timestamp, where there are some
  verify.py         stand-alone verifier: Python 3.9 or later and the package cryptography; no network

How to verify
  1. Unpack this file; change no file or folder name.
  2. pip install cryptography
  3. python3 verify.py --key public_key.pem     (ask the authority for its key; the one inside proves no origin)
  VALID: not one byte changed since sealing, and the holder of that key sealed it.
  INVALID: each line names what changed.
  Without --key only "unchanged" is proven, not who sealed it.

Fingerprint of the key (SHA-256 of its DER form; compare with the published one)
  {key_id}
"""


def export_package(
    vault: Vault,
    case_id: str,
    target: Path,
    record: Mapping[str, Any],
    *,
    dossier: bytes | None = None,
    is_zipped: bool = True,
) -> Path:
    """Returns what was written: ``target``, or a file or folder named after the case in the folder ``target``.

    ``record`` is what ``cases.record`` tells of the case; it is signed here, with the hashes of the files beside it.

    Raises:
        CaseNotFound: no such package.
        HashMismatch: a file is not what was sealed; nothing is written.
        StoreError: the target cannot be written, or the folder exists.
    """
    readme = README.format(case_id=case_id, key_id=vault.key_id)
    beside = {
        "README.txt": b"\xef\xbb\xbf" + readme.replace("\n", "\r\n").encode(),  # reads right in any editor
        **vault.way_to_root(case_id),
        **({DOSSIER: dossier} if dossier is not None else {}),
    }
    hashes = [{"name": name, "sha256": hashlib.sha256(beside[name]).hexdigest()} for name in sorted(beside)]
    content = {f"{case_id}/{name}": vault.read(case_id, name) for name in vault.names(case_id)}
    content |= beside
    content[standalone.EXPORTED_ENTRY] = vault.chain_entry(case_id)
    content[standalone.RECORD] = vault.sign_record({**record, "files": hashes})
    content[VERIFIER] = Path(standalone.__file__).read_bytes()
    path = target / (f"{case_id}.zip" if is_zipped else case_id) if target.is_dir() else target
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with disk.store_errors(path.parent, f"exporting case {case_id}"):
        try:
            if is_zipped:
                disk.write_file(draft, _zipped(content), mode=0o644)
            else:
                _write_folder(draft, content)
            draft.rename(path)
        finally:
            draft.unlink(missing_ok=True) if is_zipped else disk.remove_tree(draft)
    return path


def _write_folder(folder: Path, content: Mapping[str, bytes]) -> None:
    for name, data in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        disk.write_file(folder / name, data, mode=0o644)


def _zipped(content: Mapping[str, bytes]) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(content):
            info = zipfile.ZipInfo(name, ZIP_TIME)
            info.external_attr = 0o100644 << 16
            info.create_system = 3
            archive.writestr(info, content[name])
    return target.getvalue()
