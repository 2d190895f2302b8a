from __future__ import annotations

import io
from pathlib import Path

import pytest
import zstandard

from models.errors import InputError, WorkError
from sources.recording import (
    MAX_LINE_BYTES,
    RecordingHeader,
    RecordingSpan,
    RecordingWriter,
    open_recording,
    recording_span,
)

HEADER = RecordingHeader("Asia/Jerusalem", ("bank",), "callwatch 1 import bank", "ts", {"events": 3})
LINES = [
    b'{"ts":1000,"queue":"b/y"}',
    b'{"ts":3000,"queue":"b/x"}',
    b'{"ts":2000}',
]


def write(path: Path, lines: list[bytes] = LINES) -> Path:
    with RecordingWriter(path, HEADER) as writer:
        writer.write_all(lines)
    return path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ndjson.zst")
    with open_recording(path) as recording:
        assert recording.header == HEADER
        assert list(recording) == LINES
    with open_recording(path) as recording:
        assert list(recording.batches(2)) == [LINES[:2], LINES[2:]]


def test_the_same_lines_give_the_same_bytes(tmp_path: Path) -> None:
    many = [b'{"ts":%d}' % n for n in range(50_000)]
    assert write(tmp_path / "a", many).read_bytes() == write(tmp_path / "b", many).read_bytes()


def test_a_failed_writing_leaves_nothing_and_keeps_what_was_there(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ndjson.zst")
    before = path.read_bytes()
    with pytest.raises(ValueError, match="newline"), RecordingWriter(path, HEADER) as writer:
        writer.write_all([b"{}", b"\n"])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_newline_inside_an_event_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="newline"), RecordingWriter(tmp_path / "a", HEADER) as writer:
        writer.write(b'{"a":\n1}')


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkError, match="nowhere"), RecordingWriter(tmp_path / "nowhere" / "a", HEADER):
        pass


def test_standard_output_and_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(buffer))
    with RecordingWriter("-", HEADER) as writer:
        writer.write_all(LINES)
    assert buffer.getvalue() == write(tmp_path / "a").read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(buffer.getvalue())))
    with open_recording("-") as recording:
        assert list(recording) == LINES


def test_any_cut_is_noticed(tmp_path: Path) -> None:
    whole = write(tmp_path / "a", [b'{"ts":%d}' % (n * n) for n in range(2_000)]).read_bytes()
    cut = tmp_path / "cut"
    for size in (0, 1, 3, 10, len(whole) // 2, len(whole) - 5, len(whole) - 1):
        cut.write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"cut: line ([0-9]+ is cut off|1 is missing)"), open_recording(cut) as r:
            list(r)


def test_damage_is_noticed(tmp_path: Path) -> None:
    data = bytearray(write(tmp_path / "a", [b'{"ts":%d}' % (n * n) for n in range(20_000)]).read_bytes())
    data[len(data) // 2] ^= 0x55
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(InputError, match=r"a: line [0-9]+ .*damaged"), open_recording(tmp_path / "a") as recording:
        list(recording)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (zstandard.compress(b'{"ts":1}\n'), "line 1 is no recording.header"),
        (zstandard.compress(b"\xff\xfe\n"), "line 1 is no recording.header"),
        (zstandard.compress(b""), "line 1 is no recording.header"),
        (zstandard.compress(b'{"type":"recording.header","version":2,"made_by":"z"}\n'), "version 2.*version 1.*z"),
        (zstandard.compress(b'{"type":"recording.header","version":1,"ordered":"no"}\n'), "'ordered' must be"),
        (zstandard.compress(b"x" * (MAX_LINE_BYTES + 10)), "line 1 is longer"),
        (b'{"type":"recording.header","version":1}\n', "line 1 cannot be read: the file is no zstd"),
    ],
)
def test_what_is_no_recording_is_refused_by_name(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "odd.ndjson.zst"
    path.write_bytes(content)
    with pytest.raises(InputError, match=reason) as error:
        open_recording(path)
    assert "odd.ndjson.zst" in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone"):
        open_recording(tmp_path / "gone")


def test_joined_files_read_as_one_stream(tmp_path: Path) -> None:
    path = write(tmp_path / "a")
    path.write_bytes(path.read_bytes() + zstandard.compress(b'{"ts":9}\n\n{"ts":10}'))
    with open_recording(path) as recording:
        assert list(recording) == [*LINES, b'{"ts":9}', b'{"ts":10}']


def test_an_unknown_zone_is_refused_when_it_is_asked_for() -> None:
    with pytest.raises(InputError, match="Mars/Olympus"):
        _ = RecordingHeader(zone="Mars/Olympus").tzinfo


def test_span(tmp_path: Path) -> None:
    path = write(tmp_path / "a", [*LINES, b"garbage", b"[1]", b'{"ts":"no"}'])
    assert recording_span(path) == RecordingSpan(1000, 3000, 3, ("b/x", "b/y"))
    with pytest.raises(InputError, match="no event"):
        recording_span(write(tmp_path / "b", []))
