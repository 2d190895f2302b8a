"""Settings: one TOML file, checked as a whole, into one typed object (`models.runtime.Settings`).

The file speaks in the units of people (``threshold_s = 20``, ``hours = ["Sun-Thu 07:00-24:00"]``); the object in
milliseconds and minutes. Whatever is wrong is refused with file, line and reason. Secrets never stand in the file:
CALLWATCH_KAFKA_PASSWORD and CALLWATCH_TOKEN carry them; CALLWATCH_KAFKA_BOOTSTRAP and CALLWATCH_VALKEY_URL override
two addresses, which suits containers.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from callwatch import settings_catalogue, settings_judge, settings_notify
from callwatch.toml_table import Source, Table
from models.errors import SettingsError
from models.runtime import KafkaSettings, Settings, WallboardSettings, WorkerSettings

T = TypeVar("T")

_ONE: Final = ("kafka", "valkey", "worker", "wallboard", "limits", "judge", "notify")
_MANY: Final = (
    "site", "queue", "rule", "department", "person", "source", "cause", "playbook",
    "holidays", "shift", "substitution",
    "contact", "channel", "hook",
)  # fmt: skip
_SECRETS: Final = {"password": "CALLWATCH_KAFKA_PASSWORD", "token": "CALLWATCH_TOKEN"}


def load_settings(path: Path | None, env: Mapping[str, str] | None = None) -> Settings:
    """Read the settings file *path*; None gives the defaults. *env* stands for the environment (tests pass one).

    Raises SettingsError with file, line and reason for anything unreadable, unknown or contradictory.
    """
    if path is None:
        return parse_settings("", "defaults", env)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot read the settings: {error}") from error
    return parse_settings(text, str(path), env)


def parse_settings(text: str, file: str, env: Mapping[str, str] | None = None) -> Settings:
    """Settings from TOML *text*; *file* names it in refusals."""
    env = os.environ if env is None else env
    top, one, many = tables(text, file)
    catalogue = settings_catalogue.read(top, one["limits"], many)
    catalogue = replace(catalogue, judge=settings_judge.read(one["judge"]))
    settings = Settings(
        kafka=_kafka(one["kafka"], env),
        valkey_url=_valkey(one["valkey"], env),
        worker=_worker(one["worker"]),
        wallboard=_wallboard(one["wallboard"], env),
        catalogue=catalogue,
        notify=settings_notify.read(one["notify"], many, catalogue),
    )
    for table in [top, *one.values(), *(t for found in many.values() for t in found)]:
        table.finish()
    return settings


def tables(text: str, file: str) -> tuple[Table, dict[str, Table], dict[str, list[Table]]]:
    """The top level of TOML *text*, its single tables and its arrays of tables, by name. Raises SettingsError."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        at = line[1] if line else len(text.splitlines())
        raise SettingsError(f"{file}:{at}: not TOML: {error}") from error
    source = Source(file, text)
    top = Table(source, "", data)
    top.taken.update(_ONE, _MANY)
    return top, {name: _single(top, name) for name in _ONE}, {name: _array(top, name) for name in _MANY}


def _single(top: Table, name: str) -> Table:
    value = top.values.get(name, {})
    if not isinstance(value, dict):
        top.refuse(name, f"must be a table: [{name}]")
    return Table(top.source, name, value)


def _array(top: Table, name: str) -> list[Table]:
    value = top.values.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        Table(top.source, name, {}).refuse(None, f"must be an array of tables: [[{name}]]")
    return [Table(top.source, name, item, n, many=True) for n, item in enumerate(value)]


def _default(cls: type[T], name: str) -> Any:
    return next(f.default for f in fields(cls) if f.name == name)  # type: ignore[arg-type]


def _no_secrets(table: Table) -> None:
    for key, variable in _SECRETS.items():
        if table.has(key):
            table.refuse(key, f"secrets do not belong in this file; set {variable} in the environment")


def _kafka(table: Table, env: Mapping[str, str]) -> KafkaSettings:
    _no_secrets(table)
    protocols = {name: name for name in ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")}
    bootstrap = table.string("bootstrap", _default(KafkaSettings, "bootstrap"))
    kafka = KafkaSettings(
        bootstrap=env.get("CALLWATCH_KAFKA_BOOTSTRAP") or bootstrap,
        prefix=table.string("prefix", "", blank=True),
        partitions=table.integer("partitions", _default(KafkaSettings, "partitions"), low=1, high=512),
        replication=table.integer("replication", 1, low=1, high=9),
        group=table.string("group", "callwatch"),
        session_timeout_s=table.number("session_timeout_s", 6.0, low=1, high=300),
        rebalance_timeout_s=table.number("rebalance_timeout_s", 5.0, low=1, high=300),
        heartbeat_s=table.number("heartbeat_s", 1.0, low=0.1, high=100),
        security_protocol=table.choice("security_protocol", protocols, "PLAINTEXT"),  # type: ignore[arg-type]
        sasl_mechanism=table.string("sasl_mechanism", _default(KafkaSettings, "sasl_mechanism")),
        username=table.string("username", "", blank=True),
        password=env.get("CALLWATCH_KAFKA_PASSWORD", ""),
        cafile=table.string("cafile", "", blank=True),
    )
    if not all(re.fullmatch(r"[^\s:,]+:\d{1,5}", part) for part in kafka.bootstrap.split(",")):
        table.refuse("bootstrap", f'"{kafka.bootstrap}" is not host:port[,host:port...]')
    if kafka.heartbeat_s * 3 > kafka.session_timeout_s:
        table.refuse(
            "heartbeat_s", "must be at most a third of session_timeout_s, or one lost heartbeat ends a session"
        )
    if not re.fullmatch(r"[A-Za-z0-9._-]*", kafka.prefix):
        table.refuse("prefix", f'"{kafka.prefix}" is not letters, digits, dot, underscore and hyphen')
    if kafka.security_protocol.startswith("SASL") and not (kafka.username and kafka.password):
        table.refuse("security_protocol", "SASL needs username here and CALLWATCH_KAFKA_PASSWORD in the environment")
    return kafka


def _valkey(table: Table, env: Mapping[str, str]) -> str:
    url = env.get("CALLWATCH_VALKEY_URL") or table.string("url", "redis://127.0.0.1:6379/0")
    table.taken.add("url")
    if urlsplit(url).scheme not in ("redis", "rediss", "unix"):
        table.refuse("url", f'"{url}" is not redis://host:port/db, rediss://... or unix://...')
    return url


def _worker(table: Table) -> WorkerSettings:
    clocks = {"wall": "wall", "log": "log"}
    return WorkerSettings(
        clock=table.choice("clock", clocks, "wall"),  # type: ignore[arg-type]
        snapshot_every_s=table.number(
            "snapshot_every_s", _default(WorkerSettings, "snapshot_every_s"), low=0.1, high=3600
        ),
        fetch_max_records=table.integer(
            "fetch_max_records", _default(WorkerSettings, "fetch_max_records"), low=1, high=1_000_000
        ),
    )


def _wallboard(table: Table, env: Mapping[str, str]) -> WallboardSettings:
    _no_secrets(table)
    board = WallboardSettings(
        host=table.string("host", "127.0.0.1"),
        port=table.integer("port", _default(WallboardSettings, "port"), low=0, high=65535),
        token=env.get("CALLWATCH_TOKEN", ""),
    )
    if board.host not in ("127.0.0.1", "::1", "localhost") and not board.token:
        table.refuse("host", f"listening on {board.host} needs sign-in: set CALLWATCH_TOKEN in the environment")
    return board
