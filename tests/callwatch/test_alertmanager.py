"""A real Alertmanager takes our orders, keeps them firing, and shows them resolved only after verification."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from alerts.channels.alertmanager import fingerprint
from alerts.channels.rfc3339 import rfc3339
from callwatch.stack import EmbeddedStack
from models.notify_settings import Channel, Hook, NotifySettings
from tests.alerts.test_loop import after_resolve
from tests.alerts.world import S, breach
from tests.callwatch.alertmanager import alertmanager, binary
from tests.callwatch.centre import centre, notifying, until
from tests.callwatch.receivers import receiver
from wallboard.incoming import from_alertmanager

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(binary() is None, reason="Debian's package prometheus-alertmanager is not installed"),
]

NOTIFY = NotifySettings((), (Channel("am", "alertmanager", url_env="AM", resend_ms=500),), (), "https://wall.example")


def test_it_shows_an_order_resolved_only_after_verification(stack: EmbeddedStack, prefix: str, tmp_path: Path) -> None:
    with (
        receiver() as told,
        alertmanager(tmp_path, f"{told.url}/hook") as manager,
        centre(stack, prefix, NOTIFY, {"AM": manager.url}) as made,
        notifying(made),
    ):
        order = breach(made.world)
        made.publish()
        (alert,) = until(manager.alerts)
        assert alert["labels"]["order"] == order
        assert alert["fingerprint"] == fingerprint(alert["labels"]), "ours is the same"
        assert alert["startsAt"] == rfc3339(made.world.order()["opened_ms"])
        until(lambda: told.got and told.got[0].json["status"] == "firing")

        def until_ms() -> float:
            """Until when it takes our silence for no end: that long after we were last heard of."""
            (alert,) = manager.alerts()
            return datetime.fromisoformat(alert["endsAt"]).timestamp() * 1000

        first_ms = until_ms()
        until(lambda: until_ms() > first_ms + 1_000)  # it is told again, so it goes on firing
        assert [a["labels"]["order"] for a in manager.alerts()] == [order]

        made.tell("acknowledge")
        made.world.service(0.9, 5, "5m")
        made.tell("resolve", cause="staffing", measure="two agents moved over")
        made.publish()
        until(lambda: [a["annotations"]["state"] for a in manager.alerts()] == ["verifying"])
        after_resolve(made.world, 0.2, 10)
        made.world.run(S)
        made.publish()
        until(lambda: [a["annotations"]["state"] for a in manager.alerts()] == ["analysing"])
        assert {g.json["status"] for g in told.got} == {"firing"}, "neither a resolve nor a failed proof is an end"

        made.world.service(0.9, 5, "5m")
        made.tell("resolve", "lead2", cause="staffing", measure="two more")
        after_resolve(made.world, 1.0, 10)
        made.world.run(S)
        made.publish()
        assert made.world.order()["state"] == "closed"
        until(lambda: manager.alerts() == [])
        over = until(lambda: next((g for g in told.got if g.json["status"] == "resolved"), None))
        ended = datetime.fromisoformat(over.json["alerts"][0]["endsAt"])
        assert ended.timestamp() * 1000 == made.world.order()["closed_ms"]


def test_what_it_sends_is_what_our_hook_reads(stack: EmbeddedStack, prefix: str, tmp_path: Path) -> None:
    with (
        receiver() as told,
        alertmanager(tmp_path, f"{told.url}/hook") as manager,
        centre(stack, prefix, NOTIFY, {"AM": manager.url}) as made,
        notifying(made),
    ):
        breach(made.world)
        made.publish()
        until(lambda: told.got)
        (one,) = from_alertmanager(Hook("prometheus", "alertmanager"), told.got[0].json).told
        assert (one.queue, one.command.command, one.command.severity) == ("bank/PS", "report", 2)
        assert one.command.key == told.got[0].json["alerts"][0]["fingerprint"]
