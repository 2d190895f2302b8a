"""The routing fault of 3 February 1999 in the recorded month, by the settings that the demo has for it."""

from __future__ import annotations

import itertools
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest

from agents.actor import PartitionActor
from callwatch.settings import load_settings
from models.topics import ANOMALIES
from sources.anonymous_bank import import_bank
from sources.pseudonym import Pseudonyms
from sources.recording import Recording, RecordingWriter, open_recording
from sources.replay import replay
from tests import recorded
from tests.agents.logs import ListSink, run

SETTINGS = Path(__file__).parents[2] / "callwatch" / "demo" / "bank.toml"
ZONE = ZoneInfo("Asia/Jerusalem")


def local_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp() * 1000)


@pytest.mark.data
def test_the_routing_fault_of_3_february_is_found_while_it_lasts_and_not_before(tmp_path: Path) -> None:
    source = recorded.month("02")
    month = tmp_path / "feb.ndjson.zst"
    import_bank([str(source)], str(month), made_by="test", pseudonyms=Pseudonyms("test"), zone=ZONE.key)
    catalogue = load_settings(SETTINGS, {}).catalogue
    sink = ListSink()
    with open_recording(month) as recording:
        day = _until(recording, local_ms("1999-02-03T14:00"), tmp_path / "part.ndjson.zst")
    with open_recording(day) as recording:
        replay(recording, sink, 2, since_ms=local_ms("1999-02-03T00:00"))
    found = []
    for p, log in sink.logs.items():
        for record in run(PartitionActor(p, 2, catalogue), log):
            if record.topic == ANOMALIES:
                anomaly = orjson.loads(record.value)
                if anomaly["rule"] == "unreached" and anomaly["phase"] == "start":
                    found.append((anomaly["queue"], anomaly["at_ms"]))
    noon = [(queue, at) for queue, at in found if local_ms("1999-02-03T12:00") <= at < local_ms("1999-02-03T12:50")]
    fault = [queue for queue, at in found if local_ms("1999-02-03T12:50") <= at <= local_ms("1999-02-03T13:20")]
    assert noon == []
    assert fault == ["bank/PS"]


def _until(recording: Recording, end_ms: int, path: Path) -> Path:
    """The part of *recording* before *end_ms*."""
    with RecordingWriter(path, recording.header) as out:
        out.write_all(itertools.takewhile(lambda line: orjson.loads(line)["ts"] < end_ms, recording))
    return path
