"""Real HTTP servers on loopback that take what is sent and answer as a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Got:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """A server at *url*. *answers* are the statuses of the next requests, *of_path* of those to a path; then it is 202.
    *hold* keeps them waiting."""

    url: str
    got: list[Got] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    of_path: dict[str, list[int]] = field(default_factory=dict)

    def of(self, path: str) -> list[Got]:
        """What came to *path*."""
        return [g for g in self.got if g.path.startswith(path)]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A running server."""
    made = Receiver("")
    made.hold.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            answers = made.of_path.get(self.path) or made.answers
            status = answers.pop(0) if answers else 202
            made.got.append(Got(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            made.hold.wait(60)
            try:
                self.send_response(status)
                self.send_header("content-length", "0")
                if status in (301, 302, 307):
                    self.send_header("location", f"{made.url}/elsewhere")
                self.end_headers()
            except OSError:
                pass  # who asked was killed meanwhile

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield made
    finally:
        made.hold.set()
        server.shutdown()
        thread.join(10)
        server.server_close()
