"""A timestamp authority on this machine, made with ``openssl ts``: its certificates, and a server that may be down."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = Test Timestamp Authority
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[tsa_cert]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa]
default_tsa = clock
[clock]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass
class Authority:
    """A local authority; ``is_down`` makes it answer 503, ``queries`` counts what it was asked."""

    folder: Path
    is_down: bool = False
    queries: list[bytes] = field(default_factory=list)

    @property
    def certificates(self) -> Path:
        return self.folder / "ca.pem"

    def answer(self, query: bytes) -> bytes:
        """Returns what ``openssl ts`` says to a request."""
        self.queries.append(query)
        asked, said = self.folder / "query.tsq", self.folder / "answer.tsr"
        asked.write_bytes(query)
        self._openssl("ts", "-reply", "-config", "tsa.cnf", "-section", "clock", "-queryfile", asked, "-out", said)
        return said.read_bytes()

    def _openssl(self, *arguments: str | Path) -> None:
        command = ["openssl", *map(str, arguments)]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True, timeout=30)

    def make(self) -> None:
        """Makes keys and certificates."""
        (self.folder / "tsa.cnf").write_text(CONFIG.format(folder=self.folder), encoding="utf-8")
        (self.folder / "serial").write_text("01\n", encoding="utf-8")
        new = (
            "req",
            "-new",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-config",
            "tsa.cnf",
        )
        root = ("-x509", "-days", "3650", "-extensions", "ca", "-subj", "/CN=Test Root")
        self._openssl(*new, *root, "-keyout", "ca.key", "-out", "ca.pem")
        self._openssl(*new, "-keyout", "tsa.key", "-out", "tsa.csr")
        signed = (
            "x509",
            "-req",
            "-in",
            "tsa.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-days",
            "3650",
            "-set_serial",
            "2",
        )
        self._openssl(*signed, "-extfile", "tsa.cnf", "-extensions", "tsa_cert", "-out", "tsa.pem")


def make_authority(folder: Path) -> Authority:
    """Returns a new authority; skips where there is no ``openssl`` program, fails there under CI."""
    if shutil.which("openssl") is None:
        reason = "needs the openssl program (Debian: apt-get install openssl)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    authority = Authority(folder)
    authority.make()
    return authority


@contextmanager
def served(authority: Authority) -> Iterator[str]:
    """Yields the address at which an authority answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            if authority.is_down:
                self.send_error(503)
                return
            answer = authority.answer(query)
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
