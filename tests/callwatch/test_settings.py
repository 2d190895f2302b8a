"""Settings: good files become one typed object; everything wrong is refused with file, line and reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import callwatch
from alerts.defaults import default_rules, default_unit_rules
from callwatch.settings import load_settings, parse_settings
from callwatch.timetable import parse_span
from models.catalogue import AlarmBudget, FlowOut, Formula, LoopLimits, OpeningHours
from models.errors import SettingsError
from models.runtime import Settings

DEMO = Path(callwatch.__file__).parent / "demo"
DEPLOY = Path(callwatch.__file__).parent.parent / "deploy" / "callwatch.toml"

WHOLE = """
causes = ["trunk", "staffing"]

[kafka]
bootstrap = "k1:9092,k2:9092"
partitions = 12
prefix = "prod-"

[valkey]
url = "redis://cache:6379/1"

[worker]
clock = "log"
snapshot_every_s = 2.5

[wallboard]
port = 9000

[limits]
respond_min = [1, 2.5, 15]
reopen_min = 10
verify_calls = 5

[[source]]
name = "pbx"
cadence_s = 30

[[site]]
name = "north"
zone = "Asia/Shanghai"
interval_min = 15
hours = [
  "Sun-Thu 07:00-24:00",
  "Sat 20:00-02:00",
]

[[department]]
name = "floor"

[[queue]]
pattern = "north/bill*"
formula = "answered_only"
threshold_s = 30
short_s = 2.5
flow_out = "against"
department = "floor"
hours = []
immediate_s = 7.5
peak = ["Mon,Wed 10:00-11:00", "Sun 23:30-00:30"]

[[rule]]
id = "slow"
metric = "speed_of_answer_ms"
window = "15m"
limit_s = 40
target_s = 20
severity = 2
min_sample = 5
hold_s = 90
recovery_s = 4

[[rule]]
id = "agents"
metric = "agents_ready"
window = "now"
breach = "below"
limit = 2

[[person]]
id = "li"
name = "李娜 Li Na"
department = "floor"
tier = "shift_lead"
zone = "Asia/Shanghai"
duty = ["daily 22:00-06:00"]
"""


def test_a_whole_file_becomes_one_typed_object() -> None:
    settings = parse_settings(WHOLE, "w.toml", {})
    assert settings.kafka.bootstrap == "k1:9092,k2:9092"
    assert (settings.kafka.partitions, settings.kafka.prefix) == (12, "prod-")
    assert settings.valkey_url == "redis://cache:6379/1"
    assert (settings.worker.clock, settings.worker.snapshot_every_s) == ("log", 2.5)
    assert settings.wallboard.port == 9000
    book = settings.catalogue
    assert book.causes == ("trunk", "staffing")
    assert book.limits == replace(
        LoopLimits(), respond_ms=(60_000, 150_000, 900_000), reopen_ms=600_000, verify_calls=5
    )
    assert book.sources[0].cadence_ms == 30_000
    assert book.sites[0].hours == (
        OpeningHours(frozenset({6, 0, 1, 2, 3}), 420, 1440),
        OpeningHours(frozenset({5}), 1200, 1560),
    )
    queue = book.queues[0]
    assert (queue.formula, queue.flow_out, queue.threshold_ms, queue.short_ms) == (
        Formula.ANSWERED_ONLY,
        FlowOut.AGAINST,
        30_000,
        2_500,
    )
    assert queue.immediate_ms == 7_500
    assert queue.peak == {20, 21, 96 + 20, 96 + 21, 335, 0}
    assert queue.hours == ()  # always open, although its site is not
    slow, agents, *_ = book.rules
    assert (slow.limit, slow.target, slow.recovery, slow.below) == (40_000, 20_000, 4_000, False)
    assert (slow.hold_ms, slow.recover_hold_ms, slow.min_sample, slow.severity) == (90_000, 60_000, 5, 2)
    assert (agents.below, agents.limit, agents.target) == (True, 2, 2)
    assert (book.people[0].tier, book.people[0].duty[0].starts_min, book.people[0].duty[0].ends_min) == (1, 1320, 1800)


def test_no_file_gives_the_defaults_with_the_default_rules() -> None:
    settings = load_settings(None, {})
    assert settings == replace(
        Settings(), catalogue=replace(Settings().catalogue, rules=default_rules() + default_unit_rules())
    )
    assert parse_settings("rule = []", "x", {}).catalogue.rules == ()


def test_rules_for_units_leave_those_for_queues_as_they_are() -> None:
    text = RULE.replace('"r"', '"all"') + 'of = "units"\npattern = "[*]"\n'
    rules = parse_settings(text, "s.toml", {}).catalogue.rules
    assert rules[:-1] == default_rules()
    assert (rules[-1].id, rules[-1].of, rules[-1].pattern) == ("all", "units", "[*]")
    both = parse_settings(text + RULE, "s.toml", {}).catalogue.rules
    assert [(rule.id, rule.of) for rule in both] == [("all", "units"), ("r", "queues")]
    queues = parse_settings(RULE, "s.toml", {}).catalogue.rules
    assert queues[1:] == default_unit_rules()


def test_a_default_rule_is_changed_or_switched_off_by_its_id() -> None:
    text = '[[rule]]\nid = "abandonment"\ndefault = true\nlimit = 0.3\nseverity = 3\n'
    text += '[[rule]]\nid = "queued"\ndefault = true\noff = true\n'
    rules = {rule.id: rule for rule in parse_settings(text + RULE, "s.toml", {}).catalogue.rules}
    was = {rule.id: rule for rule in (*default_rules(), *default_unit_rules())}
    assert rules.keys() == was.keys() - {"queued"} | {"r"}
    assert rules["abandonment"] == replace(was["abandonment"], limit=0.3, severity=3)
    for wrong, said in (
        ('id = "nothing"', "nothing"),
        ('id = "abandonment"\nlimit = 0.01', "wrong side"),
        ('id = "abandonment"\nmetric = "offered"', "metric"),
    ):
        with pytest.raises(SettingsError, match=said):
            parse_settings(f"[[rule]]\n{wrong}\ndefault = true\n", "s.toml", {})


def test_a_limit_per_agent() -> None:
    waiting = '[[rule]]\nid = "w"\nmetric = "waiting"\nwindow = "now"\nlimit = 1.5\nper = "agent"\n'
    assert parse_settings(waiting, "s.toml", {}).catalogue.rules[0].per == "agent"
    with pytest.raises(SettingsError, match="is a ratio"):
        parse_settings(
            waiting.replace("waiting", "abandonment_rate").replace("now", "5m").replace("1.5", "0.5"), "s.toml", {}
        )


def test_the_environment_carries_secrets_and_overrides_addresses() -> None:
    env = {
        "CALLWATCH_KAFKA_BOOTSTRAP": "kafka:9094",
        "CALLWATCH_VALKEY_URL": "rediss://v:1/0",
        "CALLWATCH_KAFKA_PASSWORD": "s3cret",
        "CALLWATCH_TOKEN": "t0ken",
    }
    text = '[kafka]\nsecurity_protocol = "SASL_SSL"\nusername = "u"\n[wallboard]\nhost = "0.0.0.0"\n'
    settings = parse_settings(text, "x", env)
    assert (settings.kafka.bootstrap, settings.kafka.password) == ("kafka:9094", "s3cret")
    assert (settings.valkey_url, settings.wallboard.token) == ("rediss://v:1/0", "t0ken")
    assert "s3cret" not in repr(settings)
    assert "t0ken" not in repr(settings)


@pytest.mark.parametrize("name", ["demo", "bank"])
def test_the_settings_that_come_along_are_good_and_carry_the_tuned_rules(name: str) -> None:
    book = load_settings(DEMO / f"{name}.toml", {}).catalogue
    silence = "bank/PS" if name == "bank" else "*"
    expected = [replace(r, pattern=silence) if r.id == "silence" else r for r in default_rules()]
    expected += default_unit_rules()
    assert list(book.rules) == expected, "alerts/defaults.py was tuned: take the numbers over here"
    assert {person.tier for person in book.people} == {0, 1, 2, 3, 4}
    for queue in book.queues:
        assert any(p.department == queue.department and p.tier == 1 for p in book.people)


def test_in_the_demonstration_every_floor_has_exactly_one_shift_lead_at_any_minute() -> None:
    book = load_settings(DEMO / "demo.toml", {}).catalogue
    for site in book.sites:
        leads = [p for p in book.people if p.department == site.name and p.tier == 1]
        spans = sorted((d.starts_min, d.ends_min) for p in leads for d in p.duty if d.days == frozenset(range(7)))
        assert spans == [(0, 480), (480, 960), (960, 1440)]


def test_the_simulated_queues_belong_to_the_sites_of_the_demonstration() -> None:
    from sources.simulation.plan import plan_pools

    book = load_settings(DEMO / "demo.toml", {}).catalogue
    assert {site.name for site in book.sites} == {pool.site for pool in plan_pools(6)}


def test_the_settings_for_containers_are_good() -> None:
    env = {"CALLWATCH_TOKEN": "x", "CALLWATCH_KAFKA_BOOTSTRAP": "kafka:9092"}
    assert load_settings(DEPLOY, env).wallboard.host == "0.0.0.0"
    with pytest.raises(SettingsError, match="CALLWATCH_TOKEN"):
        load_settings(DEPLOY, {})


RULE = '[[rule]]\nid = "r"\nmetric = "abandonment_rate"\nwindow = "15m"\nlimit = 0.2\n'
PERSON = '[[person]]\nid = "a"\nname = "A"\n'
SITE = '[[site]]\nname = "north"\n'

BAD = [
    # what, text, line, words of the reason
    ("not TOML", "[kafka\n", 1, "not TOML"),
    ("not TOML further down", "[kafka]\n\nport = = 3\n", 3, "not TOML"),
    ("unknown table", "\n[kafkaa]\n", 2, 'no such setting; did you mean "kafka"'),
    ("unknown key", '[kafka]\n# note\nbootstrp = "a:1"\n', 3, 'did you mean "bootstrap"'),
    ("unknown key in the second of many", SITE + '[[site]]\nname = "s"\nzome = "UTC"\n', 5, "[[site]] number 2"),
    ("table instead of array", '[site]\nname = "x"\n', 1, "[[site]]"),
    ("array instead of table", "[[kafka]]\n", 1, "[kafka]"),
    ("wrong type", "[kafka]\npartitions = \"4\"\n", 2, "whole number"),
    ("bool is no number", "[kafka]\npartitions = true\n", 2, "whole number"),
    ("float is no whole number", "[kafka]\npartitions = 4.0\n", 2, "whole number"),
    ("out of range", "[kafka]\npartitions = 0\n", 2, "from 1 to 512"),
    ("no address", '[kafka]\nbootstrap = "localhost"\n', 2, "host:port"),
    ("heartbeat too slow", "[kafka]\nsession_timeout_s = 6\nheartbeat_s = 3\n", 3, "third of session_timeout_s"),
    ("prefix", '[kafka]\nprefix = "a b"\n', 2, "letters, digits"),
    ("protocol", '[kafka]\nsecurity_protocol = "TLS"\n', 2, "PLAINTEXT, SSL"),
    ("SASL without password", '[kafka]\nsecurity_protocol = "SASL_SSL"\n', 2, "CALLWATCH_KAFKA_PASSWORD"),
    ("secret in the file", '[kafka]\npassword = "x"\n', 2, "CALLWATCH_KAFKA_PASSWORD"),
    ("token in the file", '[wallboard]\ntoken = "x"\n', 2, "CALLWATCH_TOKEN"),
    ("open without sign-in", '[wallboard]\nhost = "0.0.0.0"\n', 2, "CALLWATCH_TOKEN"),
    ("valkey scheme", '[valkey]\nurl = "http://x"\n', 2, "redis://"),
    ("clock", '[worker]\nclock = "sun"\n', 2, "wall, log"),
    ("snapshot nan", "[worker]\nsnapshot_every_s = nan\n", 2, "is not from"),
    ("missing name", '[[site]]\nzone = "UTC"\n', 1, "name: is missing"),
    ("blank name", '[[site]]\nname = " "\n', 2, "blank"),
    ("site with a slash", '[[site]]\nname = "a/b"\n', 2, "site/skill"),
    ("unknown zone", SITE + 'zone = "Asia/Peking"\n', 3, "IANA"),
    ("zone that climbs", SITE + 'zone = "../etc"\n', 3, "IANA"),
    ("interval", SITE + "interval_min = 20\n", 3, "15 or 30"),
    ("hours without days", SITE + 'hours = ["07:00-24:00"]\n', 3, "days and times"),
    ("hours with a wrong day", SITE + 'hours = [\n "Mon-Fry 07:00-24:00"]\n', 3, '"Fry" is not a day'),
    ("hours past midnight", SITE + 'hours = ["Mon 07:00-25:00"]\n', 3, "not a time of day"),
    ("hours of no length", SITE + 'hours = ["Mon 07:00-07:00"]\n', 3, "starts where it ends"),
    ("hours as text", SITE + 'hours = "Mon 07:00-08:00"\n', 3, "list of texts"),
    ("duplicate site", SITE + "\n" + SITE, 5, "already the name of number 1"),
    ("region with a slash", SITE + 'region = "a/b"\n', 3, "region/*"),
    ("region called like a site", SITE + 'region = "north"\n', 3, "name of a site"),
    ("too many units", "\n".join(f'[[site]]\nname = "s{n}"' for n in range(200)), 400, "make 201 units, at most 200"),
    ("duplicate department", '[[department]]\nname = "a"\n[[department]]\nname = "a"\n', 4, "already"),
    ("queue without pattern", "[[queue]]\nthreshold_s = 20\n", 1, "pattern: is missing"),
    ("queue pattern", '[[queue]]\npattern = "billing"\n', 2, "site/skill"),
    ("queue of an unknown site", SITE + '[[queue]]\npattern = "nort/*"\n', 4, 'no [[site]] is called "nort"'),
    ("unknown department", '[[queue]]\npattern = "*"\ndepartment = "x"\n', 3, 'no [[department]] is called "x"'),
    ("duplicate pattern", '[[queue]]\npattern = "*"\n[[queue]]\npattern = "*"\n', 4, "already"),
    ("formula", '[[queue]]\npattern = "*"\nformula = "positiv"\n', 3, 'did you mean "positive"'),
    ("flow-out", '[[queue]]\npattern = "*"\nflow_out = "late"\n', 3, "late_only"),
    ("negative threshold", '[[queue]]\npattern = "*"\nthreshold_s = -1\n', 3, "is not from 0"),
    ("short beyond threshold", '[[queue]]\npattern = "*"\nthreshold_s = 4\n', 1, "longer than threshold_s"),
    ("peak off the grid", '[[queue]]\npattern = "*"\npeak = ["daily 10:15-11:00"]\n', 3, "whole half-hours"),
    ("rule without id", '[[rule]]\nmetric = "waiting"\nwindow = "now"\nlimit = 3\n', 1, "id: is missing"),
    ("unknown metric", RULE.replace("abandonment_rate", "abandon_rate"), 3, 'did you mean "abandonment_rate"'),
    ("window of another metric", RULE.replace("15m", "now"), 4, '"now" is not one of 1m, 5m'),
    ("window of verification", RULE.replace("15m", "resolve"), 4, "is not one of"),
    ("no limit", RULE.replace("limit = 0.2\n", ""), 1, "limit: is missing"),
    ("share above one", RULE.replace("0.2", "20"), 5, "from 0 to 1"),
    ("share in seconds", RULE.replace("limit =", "limit_s ="), 5, "no time: write limit"),
    ("time without unit", '[[rule]]\nid = "w"\nmetric = "longest_wait_ms"\nwindow = "now"\nlimit = 3\n', 5, "limit_s"),
    ("target beyond the limit", RULE + "target = 0.3\n", 6, "wrong side of the limit"),
    ("neither direction", RULE.replace("abandonment_rate", "offered"), 1, '"below" or "above"'),
    ("severity", RULE + "severity = 5\n", 6, "from 1 to 4"),
    ("duplicate rule", RULE + RULE, 7, "already the id of number 1"),
    ("rule of nothing", RULE + 'of = "sites"\n', 6, "queues, units"),
    ("rule of everything for queues", RULE + 'pattern = "[*]"\n', 6, "site/skill"),
    ("unit rule called like a default one", RULE.replace('"r"', '"silence"') + 'of = "units"\n', 2, "default rule"),
    ("person without department", PERSON, 1, "department: is missing"),
    ("person of an unknown department", PERSON + 'department = "d"\n', 4, "there is none"),
    ("tier", '[[department]]\nname = "d"\n' + PERSON + 'department = "d"\ntier = "boss"\n', 7, "liaison"),
    ("cadence", '[[source]]\nname = "p"\ncadence_s = 0\n', 3, "is not from"),
    ("limits of two severities", "[limits]\nrespond_min = [1, 2]\n", 2, "three numbers"),
    ("limit of no time", "[limits]\nresolve_min = [1, 2, 0]\n", 2, "three numbers"),
    ("verify nothing", "[limits]\nverify_calls = 0\n", 2, "from 1"),
    ("causes", 'causes = [""]\n', 1, "list of texts"),
    ("no alarms at all", "[judge]\nalarms_per_week = 0\n", 2, "from 0.01 to 100"),
    ("orders without end", "[judge]\norders_per_shift = 5000\n", 2, "from 0.1 to 1000"),
    ("a judge of another name", "[judge]\nsigma = 3\n", 2, "sigma"),
    ("quiet of what nobody learns", RULE.replace("abandonment_rate", "lost_calls") + 'usual = "quiet"\n', 6, "nothing"),
    ("neither told nor quiet", RULE + 'usual = "never"\n', 6, "tell, quiet"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "reason"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_what_is_wrong_is_refused_with_file_line_and_reason(text: str, line: int, reason: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_settings(text, "s.toml", {})
    assert str(refused.value).startswith(f"s.toml:{line}: "), refused.value
    assert reason in str(refused.value)
    assert refused.value.exit_code == 2


def test_what_is_usual_is_set() -> None:
    judge = "[judge]\nalarms_per_week = 0.5\norders_per_shift = 4\n"
    found = parse_settings(judge + RULE + 'usual = "quiet"\n', "s.toml", {})
    assert found.catalogue.judge == AlarmBudget(0.5, 4.0)
    assert found.catalogue.rules[0].usual == "quiet"
    assert parse_settings("", "s.toml", {}).catalogue.judge == AlarmBudget(1.0, 6.0)
    quiet = {rule.id for rule in default_rules() if rule.usual == "quiet"}
    assert quiet >= {"service-level", "abandonment", "longest-wait", "waiting-long"}
    assert all(rule.severity in (2, 3) for rule in default_rules() if rule.usual == "quiet")


def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml"):
        load_settings(tmp_path / "none.toml", {})
    (tmp_path / "latin.toml").write_bytes(b'a = "\xe9"')
    with pytest.raises(SettingsError, match=r"latin\.toml"):
        load_settings(tmp_path / "latin.toml", {})


@pytest.mark.parametrize(
    ("text", "days", "minutes"),
    [
        ("Mon-Fri 08:00-18:00", {0, 1, 2, 3, 4}, (480, 1080)),
        ("Fri-Mon 8:00 - 9:30", {4, 5, 6, 0}, (480, 570)),
        ("mon, wed - thu 22:00-06:00", {0, 2, 3}, (1320, 1800)),
        ("daily 00:00-24:00", set(range(7)), (0, 1440)),
        ("Sat 20:00-00:00", {5}, (1200, 1440)),
    ],
)
def test_spans_of_a_week_are_read_as_people_write_them(text: str, days: set[int], minutes: tuple[int, int]) -> None:
    span = parse_span(text)
    assert (set(span.days), (span.starts_min, span.ends_min)) == (days, minutes)
