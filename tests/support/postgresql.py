"""A PostgreSQL of the tests' own: on a socket in a temporary folder, no port, gone afterwards."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import create_engine, text


def binaries() -> Path | None:
    """Returns the folder of PostgreSQL's programs; None where it is not installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name), default=None)


@dataclass(slots=True)
class Cluster:
    """A running server and the databases made on it."""

    socket_dir: Path
    _names: set[str] = field(default_factory=set)

    def url(self, name: str) -> str:
        """Returns the SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://postgres@/{name}?host={self.socket_dir}"

    def make(self, name: str, *, template: str = "template0") -> str:
        """Makes a database, as a copy of another if one is named; returns its URL."""
        if name not in self._names:
            engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8'"))
            engine.dispose()
            self._names.add(name)
        return self.url(name)

    def has(self, name: str) -> bool:
        """Tells whether a database was made."""
        return name in self._names


@contextmanager
def running(programs: Path) -> Iterator[Cluster]:
    """Yields a new, empty server; it refuses to run as root, so root hands it to the user Debian made for it."""
    owner = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="lukou-pg-") as name:
        folder = Path(name)
        if owner:
            shutil.chown(folder, **owner)
        data = folder / "data"
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=200"
        control = [str(programs / "pg_ctl"), "-D", str(data), "-w", "-s"]
        initdb = [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"]
        for command in (initdb, [*control, "-l", str(folder / "log"), "-o", options, "start"]):
            subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, timeout=60, **owner)
        try:
            yield Cluster(folder)
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, cwd=folder, timeout=60, **owner)
