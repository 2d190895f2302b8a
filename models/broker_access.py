"""How any client reaches the broker: addresses, TLS, SASL. One definition for aiokafka, Faust and kafka-python."""

from __future__ import annotations

import ssl
from typing import Any

from models.errors import SettingsError
from models.runtime import KafkaSettings


def client_options(kafka: KafkaSettings) -> dict[str, Any]:
    """Keyword arguments for an aiokafka or kafka-python client: where the broker is and how to sign in.

    Raises SettingsError when the certificate file cannot be read.
    """
    options: dict[str, Any] = {"bootstrap_servers": [h.strip() for h in kafka.bootstrap.split(",")]}
    if kafka.security_protocol != "PLAINTEXT":
        options["security_protocol"] = kafka.security_protocol
    context = tls_context(kafka)
    if context is not None:
        options["ssl_context"] = context
    if kafka.security_protocol.startswith("SASL_"):
        options |= {
            "sasl_mechanism": kafka.sasl_mechanism,
            "sasl_plain_username": kafka.username,
            "sasl_plain_password": kafka.password,
        }
    return options


def tls_context(kafka: KafkaSettings) -> ssl.SSLContext | None:
    """The TLS context of *kafka*, None for a protocol without TLS.

    Raises SettingsError when the certificate file cannot be read.
    """
    if kafka.security_protocol not in {"SSL", "SASL_SSL"}:
        return None
    try:
        return ssl.create_default_context(cafile=kafka.cafile or None)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"[kafka] cafile = {kafka.cafile!r} cannot be used ({error}): name a PEM file with the broker's authority."
        ) from error
