"""The HTTP of the wallboard: shapes, commands onto the right partition, sign-in, headers."""

from __future__ import annotations

import asyncio

import httpx
import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from callwatch.stack import EmbeddedStack
from models.command import read_command
from models.errors import SettingsError
from models.metric import METRICS
from models.outputs import Verification
from models.partition import partition_of
from models.runtime import KafkaSettings, Settings, WallboardSettings
from models.topics import EVENTS, topic_name
from streams.broker import create_topics
from tests.wallboard.payloads import NOON_MS, PARTITIONS, entry, order, row
from tests.wallboard.wall import Wall, running, until
from wallboard.server import create_app

pytestmark = pytest.mark.stack

CONTRACT = {
    "id", "queue", "state", "severity", "owner", "symptoms", "opened_ms",
    "respond_by_ms", "resolve_by_ms", "reopened", "verification", "version",
}  # fmt: skip


def _ids(wall: Wall) -> list[str]:
    return [o["id"] for o in wall.get("/api/orders")["orders"]]


def test_queues_have_figures_and_their_age(wall: Wall) -> None:
    assert wall.get("/api/queues") == {"queues": []}
    wall.put("metrics", row("north/report", 0.9), row("north/dispatch", None, state="no_calls"))
    until(lambda: len(wall.get("/api/queues")["queues"]) == 2)
    dispatch, report = wall.get("/api/queues")["queues"]
    assert (dispatch["queue"], dispatch["state"]) == ("north/dispatch", "no_calls")
    assert dispatch["figures"]["service_level_live@5m"] is None
    assert report["figures"]["service_level_live@5m"] == 0.9
    assert report["partition"] == partition_of("north/report", PARTITIONS)
    assert 0 <= report["age_ms"] < 5_000


def test_a_quiet_queue_is_as_fresh_as_its_partition(wall: Wall) -> None:
    neighbours = [q for q in (f"north/q{n}" for n in range(40)) if partition_of(q, PARTITIONS) == 1]
    stranger = next(q for q in (f"north/q{n}" for n in range(40)) if partition_of(q, PARTITIONS) == 2)
    old_ms = row("north/any").wall_ms - 60_000
    wall.put("metrics", row(neighbours[0], wall_ms=old_ms), row(stranger, wall_ms=old_ms), row(neighbours[1]))
    until(lambda: len(wall.get("/api/queues")["queues"]) == 3)
    ages = {r["queue"]: r["age_ms"] for r in wall.get("/api/queues")["queues"]}
    assert ages[neighbours[0]] < 5_000
    assert ages[stranger] >= 60_000


def test_orders_open_first_then_closed_and_one_with_its_log(wall: Wall) -> None:
    passed = Verification(since_ms=1, needed=10, seen=10, state="passed", sentence="10 of 10")
    grave = order("north/report", severity=1)
    over = order("north/billing", state="closed", closed_ms=NOON_MS, verification=passed)
    mild = order("north/dispatch")
    wall.put("workorders", over, mild, grave)
    wall.put("workorder-log", entry(grave), entry(grave, "notified", pos=(grave.pos[0], 10, 1)))
    until(lambda: _ids(wall) == [grave.id, mild.id, over.id])
    first = wall.get("/api/orders")["orders"][0]
    assert first.keys() >= CONTRACT
    found = wall.get(f"/api/orders/{grave.id}")
    assert [e["decision"] for e in found.pop("log")] == ["raised", "notified"]
    assert found.pop("playbooks") == []
    assert found == first


def test_an_unknown_order_is_404_and_a_malformed_command_422(wall: Wall) -> None:
    wall.put("workorders", order("north/report"))
    until(lambda: _ids(wall))
    url = f"{wall.url}/api/orders/{order('north/report').id}/commands"
    assert httpx.get(f"{wall.url}/api/orders/nothing").status_code == 404
    good = {"command": "acknowledge", "actor": "li.wei", "args": {}}
    assert httpx.post(f"{wall.url}/api/orders/nothing/commands", json=good).status_code == 404
    for wrong, word in (
        ({"command": "explode"}, "command"),
        ({"actor": ""}, "actor"),
        ({"actor": "mallory"}, "nobody is called mallory"),
        ({"command": "resolve"}, "needs cause and measure"),
        ({"command": "resolve", "args": {"cause": "gremlins", "measure": "m"}}, "cause must be one of"),
        ({"command": "resolve", "args": {"cause": "surge", "measure": "two\nlines"}}, "one line"),
        ({"command": "hold", "args": {"reason": "r", "until_ms": "soon"}}, "until_ms"),
        ({"args": {"colour": "red"}}, "colour is not known"),
    ):
        answer = httpx.post(url, json=good | wrong)
        assert answer.status_code == 422
        assert word in answer.text
    assert httpx.post(url, content=b"{").status_code == 422


def test_a_command_lies_on_the_partition_of_its_queue(wall: Wall) -> None:
    queue = next(q for q in (f"north/q{n}" for n in range(40)) if partition_of(q, PARTITIONS) == 3)
    asyncio.run(create_topics(wall.settings.kafka))
    wall.put("metrics", row(queue, at_ms=NOON_MS + 5_000))
    wall.put("workorders", order(queue))
    until(lambda: _ids(wall))
    answer = httpx.post(
        f"{wall.url}/api/orders/{order(queue).id}/commands",
        json={"command": "resolve", "actor": "li.wei", "args": {"cause": "staffing", "measure": "two agents moved"}},
    )
    assert answer.status_code == 202, answer.text
    sent = answer.json()
    assert (sent["partition"], sent["offset"]) == (3, 0)
    key, value = asyncio.run(_first(wall, 3))
    record = orjson.loads(value)
    assert key == queue.encode()
    assert record["id"] == sent["id"]
    assert (record["type"], record["source"], record["queue"]) == ("order.command", "wallboard", queue)
    assert record["ts"] == NOON_MS + 5_000, "stream time: the wall clock lies decades ahead of a replay"
    command = read_command(record)
    assert (command.order, command.command, command.cause) == (order(queue).id, "resolve", "staffing")


async def _first(wall: Wall, partition: int) -> tuple[bytes | None, bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=wall.settings.kafka.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic_name(wall.settings.kafka.prefix, EVENTS), partition)])
        record = await asyncio.wait_for(consumer.getone(), 10)
        return record.key, record.value
    finally:
        await consumer.stop()


def test_a_dead_broker_is_503_with_the_reason(stack: EmbeddedStack, prefix: str) -> None:
    with running(KafkaSettings("127.0.0.1:1", prefix, PARTITIONS), stack.valkey_url) as wall:
        wall.put("workorders", order("north/report"))
        until(lambda: _ids(wall))
        url = f"{wall.url}/api/orders/{order('north/report').id}/commands"
        answer = httpx.post(url, json={"command": "acknowledge", "actor": "li.wei"}, timeout=20)
    assert answer.status_code == 503
    assert "127.0.0.1:1 did not confirm" in answer.json()["detail"]


def test_the_dictionary_people_causes_and_rules(wall: Wall) -> None:
    assert [m["id"] for m in wall.get("/api/metrics-dictionary")["metrics"]] == [m.id for m in METRICS]
    assert {"id": "amy.ross", "name": "Amy Ross", "department": "north", "tier": 1} in wall.get("/api/people")["people"]
    assert "staffing" in wall.get("/api/causes")["causes"]
    catalogue = wall.get("/api/catalogue")
    assert [r["id"] for r in catalogue["rules"]] == ["level_low"]
    assert catalogue["sites"] == [{"name": "north", "zone": "Asia/Jerusalem"}]


def test_the_trend_has_one_point_a_step(wall: Wall) -> None:
    for step in range(6):
        wall.put("metrics", row("north/report", 0.5 + step / 10, at_ms=NOON_MS + step * 5_000))
    until(lambda: wall.get("/api/queues")["queues"])
    found = wall.get("/api/history")
    column = 1 + found["figures"].index("service_level_live@5m")
    points = found["history"]["north/report"]
    assert [(p[0] - NOON_MS, round(p[column], 1)) for p in points] == [(10_000, 0.7), (25_000, 1.0)]


def test_every_answer_forbids_foreign_content(wall: Wall) -> None:
    for path in ("/", "/api/queues", "/static/app.js", "/missing"):
        headers = httpx.get(wall.url + path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    page = httpx.get(wall.url).text
    assert "http://" not in page
    assert "https://" not in page


def test_foreign_names_and_pages_are_refused_on_loopback(wall: Wall) -> None:
    assert httpx.get(f"{wall.url}/api/queues", headers={"host": "evil.example"}).status_code == 403
    assert httpx.get(f"{wall.url}/api/queues", headers={"origin": "http://evil.example"}).status_code == 403


def test_listening_to_strangers_needs_a_token() -> None:
    with pytest.raises(SettingsError, match="CALLWATCH_TOKEN"):
        create_app(Settings(wallboard=WallboardSettings(host="0.0.0.0")))
    create_app(Settings(wallboard=WallboardSettings(host="0.0.0.0", token="s3cret")))


def test_a_token_by_header_or_by_signing_in(stack: EmbeddedStack, prefix: str) -> None:
    kafka = KafkaSettings(stack.bootstrap, prefix, PARTITIONS)
    with running(kafka, stack.valkey_url, token="s3cret") as wall, httpx.Client(base_url=wall.url) as client:
        assert client.get("/healthz").status_code == 200
        for path in ("/api/queues", "/events", "/static/app.js"):
            assert client.get(path).status_code == 401
        assert client.get("/", headers={"accept": "text/html"}).headers["location"] == "/login"
        assert client.get("/login").status_code == 200
        assert client.get("/api/queues", headers={"authorization": "Bearer wrong"}).status_code == 401
        assert client.get("/api/queues", headers={"authorization": "Bearer s3cret"}).status_code == 200
        assert client.post("/login", data={"token": "wrong"}).headers["location"] == "/login#refused"
        assert client.get("/api/queues").status_code == 401
        answer = client.post("/login", data={"token": "s3cret"})
        assert answer.headers["location"] == "/"
        assert "s3cret" not in answer.headers["set-cookie"]
        assert client.get("/api/queues").status_code == 200
