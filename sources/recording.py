"""Recordings (``.ndjson.zst``): a header line, then the bytes of the events, one a line.

Writing is deterministic (the same lines give the same bytes) and atomic (a temporary name, then a rename), reading
streams with bounded memory. ``-`` is standard input or output.

The header is ``{"type": "recording.header", "version": 1, "zone": ..., "sources": [...], "made_by": ...,
"ordered": "ts" | "log"}`` and whatever else its maker knows. ``ts``: sorted by event time, as importers and the
simulator write; ``log``: in log order with its own clock records, as captures are, so that lateness survives.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
import zstandard

from models.errors import InputError, WorkError

VERSION: Final = 1
#: A line is a Kafka record; brokers take 1 MB at most by default.
MAX_LINE_BYTES: Final = 1 << 20
#: Compressed bytes taken at once. zstd can blow up 4 KiB to 128 MiB at worst, which bounds our memory.
_CHUNK_BYTES: Final = 4096
#: Lines collected before they go to the compressor: one call a line costs more than the compression.
_WRITE_BYTES: Final = 1 << 18
#: 64 MiB: what level 9 never reaches; a file that asks for more is not ours.
_MAX_WINDOW: Final = 1 << 26
_LEVEL: Final = 9

Ordered = Literal["ts", "log"]


@dataclass(frozen=True, slots=True)
class RecordingHeader:
    """What a recording says of itself. *extra* keeps the fields that this version does not know."""

    zone: str = "UTC"
    sources: tuple[str, ...] = ()
    made_by: str = ""
    ordered: Ordered = "ts"
    extra: dict[str, Any] = field(default_factory=dict)

    def line(self) -> bytes:
        """The header as the first line of the file, without the newline."""
        known = {
            "type": "recording.header",
            "version": VERSION,
            "zone": self.zone,
            "sources": list(self.sources),
            "made_by": self.made_by,
            "ordered": self.ordered,
        }
        return orjson.dumps(known | {k: v for k, v in self.extra.items() if k not in known})

    @property
    def tzinfo(self) -> ZoneInfo:
        """The recording's zone. Raises InputError when this machine does not know it."""
        try:
            return ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise InputError(
                f"The recording's zone {self.zone!r} is no known time zone: mend its header line."
            ) from error


class RecordingSpan(NamedTuple):
    """What a recording covers: event times in epoch ms, number of events, names of the queues (sorted)."""

    first_ts: int
    last_ts: int
    events: int
    queues: tuple[str, ...]


class RecordingWriter:
    """Writes a recording; a context manager. Nothing appears under *path* unless all went well.

    ``write`` takes one event without its newline. Raises WorkError when *path* cannot be written.
    """

    def __init__(self, path: str | Path, header: RecordingHeader) -> None:
        self.path = str(path)
        self.header = header
        self.events = 0
        self._file: IO[bytes] | None = None
        self._temporary: Path | None = None
        self._lines: list[bytes] = []
        self._held = 0

    def __enter__(self) -> RecordingWriter:
        self._file = self._open()
        compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        self._zstd = compressor.stream_writer(self._file, closefd=False)
        self._append(self.header.line())
        return self

    def write(self, line: bytes) -> None:
        """Append one event."""
        if b"\n" in line:
            raise ValueError("an event of a recording holds a newline")
        self.events += 1
        self._append(line)

    def write_all(self, lines: Iterable[bytes]) -> None:
        """Append many."""
        for line in lines:
            self.write(line)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._file is not None
        try:
            if kind is None:
                self._drain()
                self._zstd.close()  # type: ignore[no-untyped-call]
                self._file.flush()
        except BaseException:
            kind = kind or WorkError
            raise
        finally:
            self._finish(failed=kind is not None)

    def _open(self) -> IO[bytes]:
        if self.path == "-":
            return sys.stdout.buffer
        target = Path(self.path)
        try:
            if target.exists() and not target.is_file():
                return target.open("wb")  # a pipe or device keeps its name: a rename would replace it by a file
            self._temporary = target.with_name(f".{target.name}.{os.getpid()}.partial")
            return self._temporary.open("wb")
        except OSError as error:
            raise WorkError(f"Cannot write {self.path}: {error.strerror}. Name another place with -o.") from error

    def _append(self, line: bytes) -> None:
        self._lines.append(line)
        self._held += len(line)
        if self._held >= _WRITE_BYTES:
            self._drain()

    def _drain(self) -> None:
        if self._lines:
            self._zstd.write(b"\n".join(self._lines) + b"\n")
        self._lines.clear()
        self._held = 0

    def _finish(self, *, failed: bool) -> None:
        assert self._file is not None
        if self.path != "-":
            self._file.close()
        if self._temporary is not None:
            if failed:
                self._temporary.unlink(missing_ok=True)
            else:
                self._temporary.replace(self.path)


class Recording:
    """An open recording: ``header``, and its lines once through, singly or in batches. A context manager.

    Reading raises InputError with file and line when the file is truncated, damaged or not a recording.
    """

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self.name = name
        self.line_no = 0  #: lines read so far, the header included
        self._file = file
        self._lines = self._read()
        self.header = self._read_header()

    def batches(self, size: int = 4096) -> Iterator[list[bytes]]:
        """The events in lists of at most *size*, in file order, without newlines."""
        batch: list[bytes] = []
        for line in self._lines:
            batch.append(line)
            if len(batch) >= size:
                yield batch
                batch = []
        if batch:
            yield batch

    def __iter__(self) -> Iterator[bytes]:
        return self._lines

    def close(self) -> None:
        """Close the file (standard input stays open)."""
        if self._file is not sys.stdin.buffer:
            self._file.close()

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self) -> Iterator[bytes]:
        rest = b""
        for data in self._decompressed():
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self.line_no += 1
                if line:
                    yield line
            if len(rest) > MAX_LINE_BYTES:
                raise self._wrong(f"is longer than {MAX_LINE_BYTES} bytes: no recording has such a line")
        if rest:
            self.line_no += 1
            yield rest

    def _decompressed(self) -> Iterator[bytes]:
        """The content in pieces. zstandard's stream reader takes a cut file for a whole one; this does not."""
        decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
        frame = decompressor.decompressobj()
        begun = False
        try:
            while chunk := self._file.read(_CHUNK_BYTES):
                while chunk:
                    if frame.eof:
                        frame = decompressor.decompressobj()
                    begun = True
                    yield frame.decompress(chunk)
                    chunk = frame.unused_data if frame.eof else b""
        except zstandard.ZstdError as error:
            what = "no zstd file" if self.line_no == 0 else "damaged"
            raise self._wrong(f"cannot be read: the file is {what} ({error})") from error
        except OSError as error:
            raise self._wrong(f"cannot be read: {error.strerror}") from error
        if not begun:
            raise self._wrong("is missing: the file is empty")
        if not frame.eof:
            raise self._wrong("is cut off: the file is incomplete. Make or fetch it again")

    def _read_header(self) -> RecordingHeader:
        line = next(self._lines, b"")
        try:
            data = orjson.loads(line)
        except orjson.JSONDecodeError:
            data = None
        if not isinstance(data, dict) or data.get("type") != "recording.header":
            raise InputError(f"{self.name}: line 1 is no recording.header: this is not a recording of Callwatch.")
        if data.get("version") != VERSION:
            raise InputError(
                f"{self.name}: line 1: the recording has version {data.get('version')!r}, this program reads "
                f"version {VERSION}. Make it again, or use the program that made it: {data.get('made_by')}."
            )
        ordered = data.get("ordered", "ts")
        sources = data.get("sources", [])
        if ordered not in ("ts", "log") or not isinstance(sources, list):
            raise InputError(f"{self.name}: line 1: 'ordered' must be \"ts\" or \"log\" and 'sources' a list.")
        known = {"type", "version", "zone", "sources", "made_by", "ordered"}
        return RecordingHeader(
            zone=str(data.get("zone", "UTC")),
            sources=tuple(str(s) for s in sources),
            made_by=str(data.get("made_by", "")),
            ordered=ordered,
            extra={k: v for k, v in data.items() if k not in known},
        )

    def _wrong(self, what: str) -> InputError:
        return InputError(f"{self.name}: line {self.line_no + 1} {what}.")


def open_recording(path: str | Path) -> Recording:
    """Open *path* (``-`` is standard input) and read its header. Raises InputError."""
    if str(path) == "-":
        return Recording("standard input", sys.stdin.buffer)
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - Recording closes it
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}. Is the name right?") from error
    try:
        return Recording(str(path), file)
    except BaseException:
        file.close()
        raise


def recording_span(path: str | Path) -> RecordingSpan:
    """Read the whole of *path* once and say what it covers. Raises InputError, also when it holds no event."""
    first: int | None = None
    last = events = 0
    queues: set[str] = set()
    with open_recording(path) as recording:
        for line in recording:
            try:
                event = orjson.loads(line)
                ts, queue = event.get("ts"), event.get("queue")
            except (orjson.JSONDecodeError, AttributeError):
                continue  # a recording of the wire may hold garbage: the worker's dead letters tell of it
            if not isinstance(ts, int):
                continue
            events += 1
            first = ts if first is None else min(first, ts)
            last = max(last, ts)
            if isinstance(queue, str):
                queues.add(queue)
    if first is None:
        raise InputError(f"{path}: the recording holds no event.")
    return RecordingSpan(first, last, events, tuple(sorted(queues)))
