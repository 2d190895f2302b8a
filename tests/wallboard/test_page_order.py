"""An order opened on the page: all that is known of it, the steps that are legal, what became of a command."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from alerts.workorder import STATES, legal_commands
from callwatch.stack import EmbeddedStack
from models.catalogue import Catalogue, Department, Playbook, PlayStep, Rule, Site
from models.outputs import (
    Briefing,
    Consultation,
    Finding,
    Like,
    Negotiation,
    Offer,
    Order,
    PlanEnding,
    PlanPart,
    PlanSoFar,
    Problem,
)
from models.runtime import KafkaSettings
from streams.broker import create_topics
from tests.alerts.world import RULES, person
from tests.alerts.world import catalogue as small
from tests.wallboard.browser import NEEDS_BROWSER, act_as, by_id, card_of, commands, reads, shown, text_of
from tests.wallboard.floor import Floor, on_the_floor
from tests.wallboard.payloads import NOON_MS, PARTITIONS, alert, entry, order, row
from tests.wallboard.wall import Wall, running, until
from wallboard.server import STATIC

pytestmark = NEEDS_BROWSER

MIN = 60_000
#: Whatever comes from outside is text: were it read as HTML, it would run and be seen in the title of the page.
HOSTILE = "<img src=x onerror=\"document.title='run'\"><b>&amp;"
RECORD = f"PR-7: comes back at 14:30 (Asia/Jerusalem), 3 orders opened it, 2 came since, owner {HOSTILE}"
CATALOGUE = Catalogue(
    sites=(Site("north", "Asia/Jerusalem"),),
    rules=(Rule("level_low", "service_level_live", "5m", limit=0.7, target=0.8, below=True),),
    people=(
        person("li.wei", 1, "floor"),
        person("chen", 0, "floor"),
        replace(person("mon", 2, "centre"), name=HOSTILE),
    ),
    departments=(Department("floor"), Department("centre", HOSTILE, supervises=True)),
    playbooks=(
        Playbook(
            "trunk", HOSTILE, "线路中断", ("level_low",), (PlayStep(1, "Ring the line"), PlayStep(3, HOSTILE, "切换"))
        ),
    ),
)


@pytest.fixture
def wall(stack: EmbeddedStack, prefix: str) -> Iterator[Wall]:
    """A wallboard whose settings have a playbook and a department that supervises."""
    with running(KafkaSettings(stack.bootstrap, prefix, PARTITIONS), stack.valkey_url, catalogue=CATALOGUE) as found:
        yield found


def _finding(number: int, **changes: Any) -> Finding:
    fields: dict[str, Any] = {
        "id": f"FI-{number}", "kind": "on_site", "text": HOSTILE, "severity": 2, "by": "chen", "at_ms": NOON_MS,
        "verify": "signed", "metric": "", "window": "", "limit": None, "below": False, "person": "mon", "key": "",
        "state": "open", "evidence": "",
    }  # fmt: skip
    return Finding(**(fields | changes))


def _full(**changes: Any) -> Order:
    """An order that has everything an order can have."""
    like = Like(
        order="WO-OLD", queue=HOSTILE, score=0.91, cause="trunk", measure=HOSTILE, effect=HOSTILE, minutes=34, helped=""
    )
    offers = [Offer(side="handling", by="chen", until_ms=NOON_MS + 60 * MIN, at_ms=NOON_MS)]
    talks = Negotiation(default_ms=NOON_MS + 10 * MIN, offers=offers, agreed_ms=None, agreed_by="", agreed_at_ms=None)
    fields: dict[str, Any] = {
        "version": 2, "state": "analysing", "severity": 2, "owner_name": HOSTILE, "sentence": HOSTILE,
        "liaison": "chen", "opened_ms": NOON_MS - 30 * MIN, "resolve_by_ms": NOON_MS + 10 * MIN, "problem": "PR-7",
        "findings": [_finding(1), _finding(2, verify="figure", metric="service_level_live", window="15m", limit=0.8,
                                           below=True, state="passed", evidence=HOSTILE)],
        "negotiation": talks,
        "consultation": Consultation(people=["chen"], departments=["network"], supervisor="mon"), "like": [like],
    }  # fmt: skip
    return order("north/report", **(fields | changes))


def _told(of: Order) -> list[Any]:
    """Its log: raised, acknowledged."""
    first = of.model_dump(exclude={"pos"}) | {"version": 1, "state": "dispatched"}
    raised = entry(of, "raised", version=1, after="dispatched", at_ms=of.opened_ms, order_after=first, why=HOSTILE)
    changed = {"state": of.state, "version": 2, "closed_ms": of.closed_ms}
    seen = {"at_ms": NOON_MS - 20 * MIN, "version": 2, "why": "seen and taken on", "order_after": changed}
    return [raised, entry(of, "moved", event="acknowledge", actor="li.wei", pos=(of.pos[0], 10, 1), **seen)]


def test_an_opened_order_tells_all_and_runs_nothing_of_it(wall: Wall, page: webdriver.Chrome) -> None:
    found = _full()
    problem = Problem(
        id="PR-7", queue=found.queue, half_hour="14:30", zone="Asia/Jerusalem", orders=["a", "b", found.id],
        since_ms=NOON_MS, state="open", owner="mon", joined=2, closed_ms=None, closed_by=None, cause="", measure="",
    )  # fmt: skip
    wall.put("metrics", row("north/report"))
    wall.put("workorders", found)
    wall.put("workorder-log", *_told(found))
    wall.put("alerts", alert("north/report", 20, kind="problem", text=HOSTILE, problem=problem))
    act_as(page, "li.wei")
    card_of(page, found.id).find_element(By.CSS_SELECTOR, ".more").send_keys(Keys.ENTER)
    details = by_id(page, "details")
    until(lambda: reads(details, "acknowledge: seen and taken on"))
    for text in (
        "north/report · order-north-report", "analysing 分析中", f"{HOSTILE}, since 14:30", "◕ 75 %",
        "respond 响应 done", "Chen (handling) offers 16:00", "not agreed yet", f"supervised by 督导 {HOSTILE}",
        "Chen, network", RECORD, "below 70.0 % (5 min)",
        f"2 on-site check 现场核查 {HOSTILE}", f"over by a signed check 签字核查 by {HOSTILE}", "open 未消除",
        "over by a figure 指标 live service level at least 80.0 % (15m)", f"over 已消除: {HOSTILE}",
        "91 % alike · 34 min", f"Trunk or carrier 中继或运营商: {HOSTILE}", "did it help?", f"{HOSTILE} 线路中断",
        "shift lead 班长", "supervisor 主管 · ask first", f"{HOSTILE} 切换", f"breached: {HOSTILE}",
    ):  # fmt: skip
        assert text in text_of(details), text
    assert page.current_url.endswith(f"#order={found.id}")
    assert page.title == "Callwatch"
    assert not page.find_elements(By.CSS_SELECTOR, "#details img, .card img, #details b b")
    by_id(page, "details-close").click()
    until(lambda: not details.is_displayed())
    assert "#" not in page.current_url
    by_id(page, "tab-records").click()
    until(
        lambda: reads(
            by_id(page, "records"),
            f"north/report {RECORD}",
        )
    )
    assert page.title == "Callwatch"


def test_a_briefed_order_says_who_waits_now_and_what_was_known(wall: Wall, page: webdriver.Chrome) -> None:
    told = Briefing(
        at_ms=NOON_MS, english=["12 waiting, 5 beyond 20 s", HOSTILE], chinese=["排队12个", "原因"],
        data={"waiting": 12}, left_out={"agents": "agents unknown"},
    )  # fmt: skip
    ending = PlanEnding(
        target=0.8, expected=412, allowed=37, heading=0.824, best=0.9, needed=0.7, offered_low=380, offered_high=440,
        english="to end the day at 80 % at most 37 more may miss", chinese="最多还可有37个未达标",
    )  # fmt: skip
    plan = PlanPart(
        version="v", name="week 10", day="1999-02-03", since_ms=NOON_MS, now=None, last=None,
        so_far=PlanSoFar(forecast=10, offered=12), reforecast_since_ms=None, ending=ending,
    )  # fmt: skip
    figures = {"waiting@now": 7.0, "waiting_past_threshold@now": 2.0, "waiting_soon@now": 3.0}
    wall.put("metrics", row("north/report", plan=plan, figures=figures))
    found = _full(briefing=told)
    wall.put("workorders", found)
    wall.put("workorder-log", *_told(found))
    tile = until(lambda: page.find_elements(By.CSS_SELECTOR, '.tile[data-queue="north/report"]'))[0]
    until(lambda: reads(tile, "7 2 late +3"))
    card_of(page, found.id).find_element(By.CSS_SELECTOR, ".more").send_keys(Keys.ENTER)
    details = by_id(page, "details")
    until(
        lambda: reads(
            details, "now: 7 waiting, 2 beyond 20 s, 3 more within 20 s 排队7个,其中2个已超过20秒,20秒内还将有3个超过"
        )
    )
    assert reads(details, "Briefing 通报", "as of 15:00:00 12 waiting, 5 beyond 20 s 排队12个", f"{HOSTILE} 原因")
    assert reads(details, "plan 计划 to end the day at 80 % at most 37 more may miss 最多还可有37个未达标")
    shown_plan = next(q for q in wall.get("/api/queues")["queues"] if q["queue"] == "north/report")["plan"]
    assert (shown_plan["ending"]["allowed"], shown_plan["so_far"]["offered"]) == (37, 12)
    assert page.title == "Callwatch"
    by_id(page, "details-close").click()


def test_an_address_opens_its_order_also_a_closed_one(wall: Wall, page: webdriver.Chrome) -> None:
    over = _full(state="closed", closed_ms=NOON_MS, cause="trunk", measure="rerouted")
    gone = order("north/gone", version=2, state="closed", closed_ms=NOON_MS, cause="trunk", measure="rerouted")
    wall.put("workorders", over)
    wall.put("workorder-log", *_told(over), *_told(gone))
    until(lambda: wall.get(f"/api/orders/{gone.id}")["log"])
    details, about = by_id(page, "details"), by_id(page, "details-about")
    page.get(f"{wall.url}/#order={over.id}")  # as from the link in a message, while the page is open
    until(lambda: reads(details, "closed 已关闭", "cause, measure 原因与措施 Trunk or carrier 中继或运营商: rerouted"))
    assert shown(page, "details-steps") == ["note", "verdict", "close_problem"]
    page.refresh()
    details, about = by_id(page, "details"), by_id(page, "details-about")
    until(lambda: reads(details, "closed 已关闭"))
    page.get(f"{wall.url}/#order={gone.id}")  # no list has it any more, its log is there
    until(lambda: reads(details, "north/gone", "closed 已关闭", "acknowledge: seen and taken on"))
    page.get(f"{wall.url}/#order=WO-NEVER%3Cb%3E")
    until(lambda: reads(about, "does not know order WO-NEVER<b>", "callwatch orders why WO-NEVER<b>"))
    (missing,) = page.get_log("browser")  # type: ignore[no-untyped-call]
    assert "404" in missing["message"]
    details.send_keys(Keys.ESCAPE)
    until(lambda: not details.is_displayed())


def test_the_address_of_an_order_outlives_signing_in(
    stack: EmbeddedStack, prefix: str, browser: webdriver.Chrome
) -> None:
    kafka = KafkaSettings(stack.bootstrap, prefix, PARTITIONS)
    with running(kafka, stack.valkey_url, token="s3cret", catalogue=CATALOGUE) as wall:
        found = _full()
        wall.put("workorders", found)
        browser.get(f"{wall.url}/#order={found.id}")
        browser.find_element(By.NAME, "token").send_keys("s3cret", Keys.ENTER)
        until(lambda: browser.current_url == f"{wall.url}/#order={found.id}")
        until(lambda: reads(by_id(browser, "details"), f"north/report · {found.id}"))
        browser.get("about:blank")


def test_no_script_of_the_page_reads_html() -> None:
    ways = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "srcdoc")
    scripts = sorted(STATIC.glob("*.js"))
    assert len(scripts) > 15
    assert [(script.name, way) for script in scripts for way in ways if way in script.read_text("utf-8")] == []


def test_the_page_has_the_table_of_moves(wall: Wall, page: webdriver.Chrome) -> None:
    script = (
        "const [states, done] = arguments;"
        "import('/static/steps.js').then(({ legal }) => done(Object.fromEntries(states.map((s) => [s, legal(s)]))));"
    )
    by_programs = {"over"}
    known = page.execute_async_script(script, list(STATES))
    assert {s: set(known[s]) for s in STATES} == {s: set(legal_commands(s)) - by_programs for s in STATES}


def test_looking_for_a_decision_ends(wall: Wall, page: webdriver.Chrome) -> None:
    script = """
        const [done] = arguments, real = window.setTimeout;
        import('/static/decision.js').then(async ({ decisionOf, heardRefusal }) => {
          for (let n = 0; n < 100; n += 1) heardRefusal({ pos: [0, n, 0], text: `no ${n}` });
          window.setTimeout = (then) => real(then, 0);
          let looks = 0;
          const late = await decisionOf(() => null, { partition: 0, offset: 99 });
          const none = await decisionOf(() => { looks += 1; return null; }, { partition: 0, offset: 59 });
          window.setTimeout = real;
          done([late, none, looks]);
        });
    """
    assert page.execute_async_script(script) == [{"refused": True, "text": "no 99"}, None, 12]


@pytest.fixture
def floor(stack: EmbeddedStack, prefix: str) -> Iterator[Floor]:
    """A floor whose settings have a liaison, leads and a supervisor."""
    with on_the_floor(stack, prefix, small(RULES)) as found:
        found.world.service(0.4)
        found.run(80_000)
        yield found


def test_the_steps_of_an_order_are_decided_and_a_refusal_says_why(floor: Floor, browser: webdriver.Chrome) -> None:
    page = browser
    page.get_log("browser")  # type: ignore[no-untyped-call]
    name = floor.world.order()["id"]
    page.get(f"{floor.wall.url}/#order={name}")
    until(lambda: reads(by_id(page, "details"), "dispatched 已派单"))
    page.find_element(By.CSS_SELECTOR, "#details-steps .acknowledge").click()
    until(lambda: reads(by_id(page, "details-said"), "choose who you are first"))
    Select(by_id(page, "details-actor")).select_by_value("lead")
    box, said = by_id(page, "details-steps"), by_id(page, "details-said")
    assert shown(page, "details-steps") == [
        "acknowledge", "take", "note", "hold", "propose_limit", "consult", "reassign", "hand_over", "report", "cancel",
        "verdict", "adopt",
    ]  # fmt: skip

    def press(command: str, **values: str) -> dict[str, Any]:
        box.find_element(By.CSS_SELECTOR, f".{command}").click()
        for field, value in values.items():
            element = by_id(page, f"ask-{field}")
            if element.tag_name == "select":
                Select(element).select_by_value(value)
            else:
                element.clear()
                element.send_keys(value)
        if by_id(page, "ask").is_displayed():
            by_id(page, "ask-send").click()
        return floor.decide()

    assert press("acknowledge")["actor"] == "lead"
    until(lambda: reads(said, "acknowledge: moved") and reads(by_id(page, "details-state"), "acknowledged"))
    assert shown(page, "details-steps")[:3] == ["analyse", "resolve", "note"]
    press("hold", reason="waiting for the carrier", minutes="600")
    until(lambda: reads(said, "refused: until may be 480 min ahead at most"))
    assert reads(by_id(page, "details-state"), "acknowledged")
    held = press("hold", reason="waiting for the carrier", minutes="60")
    assert held["args"]["reason"] == "waiting for the carrier"
    assert 0 <= held["args"]["until_ms"] - floor.world.now_ms - 60 * MIN < 10_000, "stream time, which runs on a little"
    until(lambda: reads(by_id(page, "details-state"), "on hold") and shown(page, "details-steps")[0] == "resume")
    press("propose_limit", minutes="90", reason="a part is on its way")
    until(lambda: reads(by_id(page, "details-negotiation"), "Lead (monitoring) offers", "not agreed yet"))
    assert "agree_limit" not in shown(page, "details-steps"), "nobody agrees to their own proposal"
    Select(by_id(page, "details-actor")).select_by_value("lia")
    assert "take" not in shown(page, "details-steps"), "a liaison cannot be accountable"
    press("agree_limit")
    until(lambda: reads(by_id(page, "details-negotiation"), "agreed by Lia"))
    press("cancel", why="duplicate", detail="of the one before")
    until(
        lambda: reads(
            by_id(page, "details-facts"), "to be cancelled 申请取消 asked by Lia: duplicate: of the one before"
        )
    )
    assert "confirm_cancel" not in shown(page, "details-steps")
    Select(by_id(page, "details-actor")).select_by_value("super")
    assert "confirm_cancel" in shown(page, "details-steps")
    press("confirm_cancel")
    until(lambda: reads(by_id(page, "details-state"), "cancelled 已取消"))
    until(lambda: page.find_elements(By.CSS_SELECTOR, f'#closed .card[data-order="{name}"]'))
    assert not page.get_log("browser")  # type: ignore[no-untyped-call]


def test_a_similar_order_is_said_to_have_helped_from_the_keyboard(wall: Wall, page: webdriver.Chrome) -> None:
    asyncio.run(create_topics(wall.settings.kafka))
    found = _full()
    wall.put("metrics", row("north/report"))
    wall.put("workorders", found)
    wall.put("workorder-log", *_told(found))
    card_of(page, found.id)
    act_as(page, "li.wei")
    page.get(f"{wall.url}/#order={found.id}")
    until(lambda: page.find_elements(By.CSS_SELECTOR, ".answers button"))
    page.find_element(By.CSS_SELECTOR, ".answers button").send_keys(Keys.SPACE)
    until(lambda: reads(by_id(page, "details-said"), "helped sent"))
    (sent,) = until(partial(commands, wall, "north/report"))
    assert (sent["command"], sent["actor"], sent["args"]) == ("helped", "li.wei", {"like": "WO-OLD", "helped": "yes"})
    helped = found.like[0].model_copy(update={"helped": "yes"})
    wall.put("workorders", _full(version=3, like=[helped], pos=(found.pos[0], 11, 0)))
    until(lambda: page.find_elements(By.CSS_SELECTOR, '.answers button[aria-pressed="true"]'))
    focused = page.execute_script("return document.activeElement.dataset.key")
    assert focused == "WO-OLD yes", "who works by keyboard stays where they were"
