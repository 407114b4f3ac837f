"""Settings of one installation: environment ``LUKOU_*``, ``.env`` or secrets files; never from code."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def default_home() -> Path:
    """Returns the folder where an installation keeps its data: ``~/.local/share/lukou``."""
    return Path.home() / ".local" / "share" / "lukou"


class Settings(BaseSettings):
    """What differs between installations; every field can be set as ``LUKOU_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="LUKOU_", extra="ignore")

    home: Path = Field(
        default_factory=default_home, description="folder of database, evidence store, keys, checkpoints"
    )
    database_url: str | None = Field(default=None, description="SQLAlchemy URL; default SQLite inside home")
    sites_dir: Path | None = Field(default=None, description="folder of the site files the console may edit")
    host: str = Field(default="127.0.0.1", description="address the console listens on")
    port: int = Field(default=8790, ge=0, le=65535, description="port of the console; 0 picks a free one")
    identity_key: Path | None = Field(
        default=None, description="file of the key that seals who citizens are; default in keys, made at first use"
    )
    session_secret: SecretStr | None = Field(default=None, description="key of login cookies; made at first start")
    oidc_issuer: str | None = Field(default=None, description="URL of an OpenID Connect directory; default none")
    oidc_client_id: str | None = Field(default=None, description="name of this console at the directory")
    oidc_client_secret: SecretStr | None = Field(default=None, description="its secret there")
    oidc_claim: str = Field(default="preferred_username", description="claim that holds the login name")
    webhook_url: str | None = Field(default=None, description="address told of every step of a case; default none")
    webhook_secret: SecretStr | None = Field(default=None, description="key its messages are signed with")
    detect_hz: float = Field(default=8.0, ge=1.0, le=60.0, description="detector runs per second of footage, at least")
    engine: str = Field(
        default="auto", pattern="^(auto|openvino|onnxruntime|cuda|tensorrt)$", description="inference engine"
    )
    precision: str = Field(
        default="auto", pattern="^(auto|bf16|fp32)$", description="arithmetic of OpenVINO; auto is the CPU's fastest"
    )
    model_licences: list[str] = Field(
        default=[], description='licences a network may have, as a JSON list, e.g. ["MIT"]; empty allows every licence'
    )
    mqtt_user: str | None = Field(default=None, description="name at the broker of the signal controller's feed")
    mqtt_password: SecretStr | None = Field(default=None, description="its password there")
    mqtt_password_file: Path | None = Field(default=None, description="or the file that holds nothing but the password")
    mqtt_ca: Path | None = Field(
        default=None, description="root certificates (PEM) of the broker; default the system's"
    )
    clock: str = Field(
        default="kernel",
        pattern="^(kernel|operator)$",
        description="who says that this machine's time is right: its kernel (NTP), or the operator",
    )
    display_hours: float = Field(
        default=72.0, gt=0, le=72.0, description="longest time an item may stay on a screen, h"
    )
    district: Path | None = Field(default=None, description="boundary of the district (GeoJSON); default everywhere")
    real_name: bool = Field(default=False, description="citizens' reports need an account whose name is known")
    reward_days: int = Field(default=0, ge=0, le=3650, description="days a citizen may fetch a reward; 0 pays none")
    devices: Path | None = Field(default=None, description="register of the cameras whose records are evidence (YAML)")
    tsa_url: str | None = Field(default=None, description="RFC 3161 timestamp authority for daily roots; default none")
    tsa_certificate: Path | None = Field(default=None, description="its root certificates (PEM), to check stamps with")

    @property
    def database(self) -> str:
        """SQLAlchemy URL in use."""
        return self.database_url or f"sqlite:///{self.home / 'lukou.db'}"

    @property
    def evidence_dir(self) -> Path:
        """Root of the write-once evidence store."""
        return self.home / "evidence"

    @property
    def keys_dir(self) -> Path:
        """Folder of the signing keys."""
        return self.home / "keys"

    @property
    def identity_key_path(self) -> Path:
        """File of the key that seals who citizens are."""
        return self.identity_key or self.keys_dir / "identity.key"

    @property
    def checkpoint_dir(self) -> Path:
        """Folder of resumable progress."""
        return self.home / "checkpoints"
