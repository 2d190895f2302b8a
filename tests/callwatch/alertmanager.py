"""A real Alertmanager on loopback: Debian's package, which CI installs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from callwatch.stack import free_port
from tests.callwatch.centre import until

#: After this without a word it takes an alert for over: its default, which no busy machine reaches between two words.
RESOLVE_TIMEOUT_S = 300

CONFIG = """
global:
  resolve_timeout: {timeout}s
route:
  receiver: callwatch
  group_by: [order]
  group_wait: 200ms
  group_interval: 500ms
  repeat_interval: 1h
receivers:
  - name: callwatch
    webhook_configs:
      - url: {url}
        send_resolved: true
"""


def binary() -> str | None:
    """Where it is; None when it is not installed."""
    return shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")


@dataclass(frozen=True)
class Alertmanager:
    """A running one at *url*."""

    url: str

    def alerts(self) -> list[dict[str, Any]]:
        """What fires."""
        answer = httpx.get(f"{self.url}/api/v2/alerts", params={"active": "true"})
        found: list[dict[str, Any]] = answer.json()
        return found


@contextmanager
def alertmanager(folder: Path, webhook: str) -> Iterator[Alertmanager]:
    """One that tells *webhook*; stopped by its pid."""
    found = binary()
    assert found is not None
    config = folder / "alertmanager.yml"
    config.write_text(CONFIG.format(timeout=RESOLVE_TIMEOUT_S, url=webhook))
    at = f"127.0.0.1:{free_port()}"
    command = [
        found, f"--config.file={config}", f"--storage.path={folder / 'data'}", f"--web.listen-address={at}",
        "--cluster.listen-address=", "--log.level=warn",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        until(lambda: process.poll() is not None or _answers(at), 60)
        assert process.poll() is None, "it ended at the start"
        yield Alertmanager(f"http://{at}")
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(at: str) -> bool:
    try:
        return httpx.get(f"http://{at}/-/ready", timeout=2).status_code == 200
    except httpx.TransportError:
        return False
