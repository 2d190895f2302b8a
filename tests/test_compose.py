"""docker-compose.yml and Dockerfile: no engine is needed to see that they are valid and fit this repository."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from callwatch.settings import load_settings

ROOT = Path(__file__).parent.parent


@pytest.fixture
def compose() -> dict[str, Any]:
    data = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert isinstance(data, dict)
    return data


@pytest.fixture
def schema() -> dict[str, Any]:
    """The compose-spec schema as the development package check-jsonschema carries it (Apache-2.0)."""
    package = importlib.util.find_spec("check_jsonschema")  # found, not imported: it warns
    assert package is not None
    assert package.origin is not None
    vendored = Path(package.origin).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
    loaded = json.loads(vendored.read_text(encoding="utf-8"))
    assert "compose_spec" in loaded["$id"]
    return loaded  # type: ignore[no-any-return]


def test_the_compose_file_follows_the_compose_specification(compose: dict[str, Any], schema: dict[str, Any]) -> None:
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in validator.iter_errors(compose)] == []
    compose["services"]["worker"]["depends_on"] = {"kafka": {"condition": "ready"}}
    assert [error.message for error in validator.iter_errors(compose)] != [], "the schema must be able to refuse"


def test_what_the_compose_file_refers_to_exists(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert services.keys() == {"kafka", "valkey", "worker", "wallboard", "notifier"}
    for service in services.values():
        for other in service.get("depends_on", {}):
            assert services[other]["healthcheck"]["test"]
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert (ROOT / source).is_file() if source.startswith("./") else source in compose["volumes"]
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), "nothing is open to the world by default"


def test_worker_can_be_scaled(compose: dict[str, Any]) -> None:
    assert not {"container_name", "ports"} & compose["services"]["worker"].keys()


def test_addresses_and_settings_of_the_containers_agree(compose: dict[str, Any]) -> None:
    env = compose["services"]["wallboard"]["environment"]
    assert all(key.startswith("CALLWATCH_") for key in env)
    settings = load_settings(ROOT / "deploy" / "callwatch.toml", {"CALLWATCH_TOKEN": "x"})
    assert settings.kafka.bootstrap == env["CALLWATCH_KAFKA_BOOTSTRAP"]
    assert settings.valkey_url == env["CALLWATCH_VALKEY_URL"]
    assert (
        f"INTERNAL://{settings.kafka.bootstrap}"
        in compose["services"]["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    )
    assert compose["services"]["wallboard"]["ports"][0].endswith(f":{settings.wallboard.port}")
    assert settings.worker.clock == "wall"


def test_the_image_copies_what_exists_and_every_package() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = [name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.M) for name in line.split()]
    assert all((ROOT / name).exists() for name in copied)
    assert {p.parent.name for p in ROOT.glob("*/__init__.py")} - {"tests"} <= set(copied)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    for name in copied:
        assert f"!{name.split('/')[0]}" in ignored
