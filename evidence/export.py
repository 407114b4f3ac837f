"""A sealed case as one zip file that verifies itself: package, chain entry, stand-alone verifier, instructions.

The same case gives the same bytes every time: names sorted, times fixed, nothing compressed.
"""

import os
import zipfile
from io import BytesIO
from pathlib import Path

from evidence import disk, standalone
from evidence.seal import Vault

VERIFIER = "verify.py"
ZIP_TIME = (1980, 1, 1, 0, 0, 0)

README = """道路交通安全违法行为证据包  {case_id}
=====================================

内容
  {case_id}/        原始图片、合成图、录像、轨迹、清单（manifest.json）及其数字签名（manifest.sig）
  chain-entry.json  该证据在本设备证据链中的条目（已签名）
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


def export_package(vault: Vault, case_id: str, target: Path) -> Path:
    """Returns the zip file written: ``target`` itself, or ``<case_id>.zip`` in it when it is a folder.

    Raises:
        CaseNotFound: no such package.
        HashMismatch: a file is not what was sealed; nothing is written.
        StoreError: the target cannot be written.
    """
    content = {f"{case_id}/{name}": vault.read(case_id, name) for name in vault.names(case_id)}
    content[standalone.EXPORTED_ENTRY] = vault.chain_entry(case_id)
    content[VERIFIER] = Path(standalone.__file__).read_bytes()
    readme = README.format(case_id=case_id, key_id=vault.key_id)
    content["README.txt"] = b"\xef\xbb\xbf" + readme.replace("\n", "\r\n").encode()  # reads right in any editor
    path = target / f"{case_id}.zip" if target.is_dir() else target
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with disk.store_errors(path.parent, f"exporting case {case_id}"):
        try:
            disk.write_file(draft, _zipped(content), mode=0o644)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    return path


def _zipped(content: dict[str, bytes]) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(content):
            info = zipfile.ZipInfo(name, ZIP_TIME)
            info.external_attr = 0o100644 << 16
            info.create_system = 3
            archive.writestr(info, content[name])
    return target.getvalue()
