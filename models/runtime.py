"""Where things run: the settings that workers, projector and wallboard are started with, as plain records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from models.catalogue import Catalogue
from models.notify_settings import NotifySettings


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """The broker and how we use it. *bootstrap* is ``host:port[,host:port...]``."""

    bootstrap: str = "127.0.0.1:9092"
    prefix: str = ""
    partitions: int = 4
    replication: int = 1
    group: str = "callwatch"
    session_timeout_s: float = 6.0
    rebalance_timeout_s: float = 5.0
    heartbeat_s: float = 1.0
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: str = "SCRAM-SHA-512"
    username: str = ""
    password: str = field(default="", repr=False)  #: from CALLWATCH_KAFKA_PASSWORD
    cafile: str = ""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """*clock* ``wall``: the owner of a partition appends a clock record every 100 ms; ``log``: the replayer does."""

    clock: Literal["wall", "log"] = "wall"
    snapshot_every_s: float = 10.0
    fetch_max_records: int = 20_000


@dataclass(frozen=True, slots=True)
class WallboardSettings:
    """Where the wallboard listens. Anything but loopback is refused without *token* (CALLWATCH_TOKEN)."""

    host: str = "127.0.0.1"
    port: int = 8080
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything, as one object."""

    kafka: KafkaSettings = field(default_factory=KafkaSettings)
    valkey_url: str = "redis://127.0.0.1:6379/0"
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    wallboard: WallboardSettings = field(default_factory=WallboardSettings)
    catalogue: Catalogue = field(default_factory=Catalogue)
    notify: NotifySettings = field(default_factory=NotifySettings)
