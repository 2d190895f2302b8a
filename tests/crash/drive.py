"""One run of the crash harness: workers, disturbances, and after each the outputs so far against the expected ones."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any, Final

from models.runtime import KafkaSettings, WorkerSettings
from tests.crash.centre import centre
from tests.crash.nursery import Child, Nursery
from tests.crash.plan import NAMED, Disturbance, Run
from tests.crash.projection import assert_projected, projected
from tests.crash.servers import Valkey
from tests.crash.site import SETTLE_S, Site
from tests.kafka.server import ApacheKafka

PARTITIONS: Final = 3
GROUP_SIZE: Final = 3
#: From a worker's start to its named point. A start takes two seconds, a rebalance five on the embedded broker; much
#: more where ten processes want a core.
REACH_S: Final = 120.0
#: From SIGTERM to the end.
STOP_S: Final = 30.0
#: Small fetches and frequent rounds: a run is over in seconds and still has dozens of batches and rounds.
WORKER: Final = WorkerSettings(clock="log", snapshot_every_s=0.1, fetch_max_records=100)


class NotReachedError(AssertionError):
    """A worker was to die at a named point and never came there."""


@dataclass(slots=True)
class Ground:
    """What all runs share."""

    nursery: Nursery
    bootstrap: str
    broker: str  #: embedded or apache
    folder: Path
    tell: Callable[[dict[str, Any]], None]
    session_s: float = 3.0
    rebalance_s: float = 6.0  #: a worker has half of it for its last snapshots
    heartbeat_s: float = 0.3
    name: str = "c"  #: of the topics' prefix
    frail: ApacheKafka | None = None  #: a broker of its own for the runs that stop and kill it,
    frail_lock: Lock = field(default_factory=Lock)  #: one run at a time


def _size(run: Run) -> int:
    return {"alone": 1, "group": GROUP_SIZE, "broker": GROUP_SIZE - 1}[run.mode]


@dataclass(slots=True)
class Crew:
    """The workers of one run, started again as a supervisor would."""

    ground: Ground
    run: Run
    kafka: KafkaSettings
    valkey: Valkey
    children: list[Child] = field(default_factory=list)
    started: int = 0

    def start(self, point: str = "", count: int = 1, action: str = "kill") -> Child:
        """One more worker. Alone each has a group of its own: nobody need wait for the dead one's session to end."""
        self.started += 1
        kafka = self.kafka
        if self.run.mode == "alone":
            kafka = replace(kafka, group=f"alone{self.started}")
        log = self.ground.folder / f"{self.kafka.prefix}worker{self.started}.log"
        worker = WORKER
        if NAMED.get(point) == "revoke":  # so that there is something left for it to write
            worker = replace(WORKER, snapshot_every_s=3600)
        child = self.ground.nursery.start(
            kafka, worker, log, valkey_url=self.valkey.url, point=point, count=count, action=action
        )
        self.children.append(child)
        return child

    def living(self) -> list[Child]:
        """Workers that have not ended."""
        return [child for child in self.children if child.alive]

    def ended(self) -> list[int]:
        """How those ended that have since the last call; the number of a signal is negative."""
        codes = [child.code for child in self.children if child.code is not None]
        self.children = [child for child in self.children if child.code is None]
        return codes

    def fill(self, size: int) -> None:
        """Start as many as are missing."""
        for _ in range(size - len(self.living())):
            self.start()

    def shrink(self, size: int) -> None:
        """Stop as many, in order, as are too many."""
        self._stop(self.living()[size:])

    def stop(self) -> None:
        """SIGTERM to all: each ends in order."""
        self._stop(self.living())

    def _stop(self, leaving: list[Child]) -> None:
        for child in leaving:
            child.signal(signal.SIGTERM)
        for child in leaving:
            code = child.wait(STOP_S)
            # One that has hardly begun has no handler yet; one that gets no core gives up in the end, and says so.
            gave_up = code == 1 and b"did not stop in" in child.log.read_bytes()
            assert gave_up or code in (0, -signal.SIGTERM), f"a worker ended with {code} after SIGTERM: {child.log}"

    def kill(self) -> None:
        """SIGKILL to all."""
        for child in self.living():
            child.proceed()
            child.kill()


def drive(ground: Ground, run: Run) -> None:
    """Do *run*. Raises AssertionError at the first point after which something is lost, twice or wrong."""
    frail = ground.frail if run.mode == "broker" else None
    kafka = KafkaSettings(
        bootstrap=frail.bootstrap if frail is not None else ground.bootstrap,
        prefix=f"{ground.name}{run.number}-",
        partitions=PARTITIONS,
        session_timeout_s=ground.session_s,
        rebalance_timeout_s=ground.rebalance_s,
        heartbeat_s=ground.heartbeat_s,
    )
    with ExitStack() as stack:
        if frail is not None:
            stack.enter_context(ground.frail_lock)
        valkey = stack.enter_context(Valkey())
        site = stack.enter_context(Site(kafka, centre(run.centre, PARTITIONS, repeats=run.number % 2 == 0)))
        crew = Crew(ground, run, kafka, valkey)
        stack.callback(crew.kill)
        driver = Driver(ground, run, site, crew)
        for n, point in enumerate(run.points):
            with driver.told(point=n, **asdict(point)):
                driver.disturb(n, point)
        with driver.told(point="end", kind="end", detail=""):
            driver.finish()


class Driver:
    """Does the points of one run one after the other and writes a line about each."""

    def __init__(self, ground: Ground, run: Run, site: Site, crew: Crew) -> None:
        self._ground, self._run, self._site, self._crew = ground, run, site, crew
        self._rng = random.Random(f"{run.seed} {run.number}")

    @contextmanager
    def told(self, **what: Any) -> Iterator[None]:
        """Write a line about what happens inside, and how it ended."""
        site, run, begun_s = self._site, self._run, time.monotonic()
        found, again, started = site.got, site.duplicates, self._crew.started
        self.recovered_s: float | None = None
        verdict = "exact"
        try:
            yield
        except BaseException as error:
            verdict = f"{type(error).__name__}: {error}"[:2000]
            raise
        finally:
            self._ground.tell(
                {
                    "seed": run.seed,
                    "run": run.number,
                    "mode": run.mode,
                    "broker": self._ground.broker,
                    **what,
                    "at": round(time.time(), 1),
                    "seconds": round(time.monotonic() - begun_s, 2),
                    "recovered_s": self.recovered_s,
                    "fed": list(site.fed),
                    "repeated": site.centre.repeated,
                    "outputs": site.got - found,
                    "duplicates": site.duplicates - again,
                    "workers": self._crew.started - started,
                    "ended": self._crew.ended(),
                    "verdict": verdict,
                }
            )

    def disturb(self, n: int, point: Disturbance) -> None:
        """Feed the next part of the log, do *point* to whoever works on it, and check."""
        site = self._site
        share = (n + 1) / (len(self._run.points) + 1)
        if self._run.mode == "alone":
            site.feed(share)
            struck_s = self._alone(point)
        else:
            struck_s = self._in_a_group(point, share)
        if point.settle or self._run.mode != "alone":
            self._supervised_settle()
            self.recovered_s = round(max(site.last_s - struck_s, 0.0), 2)
            if self._run.mode == "alone":
                self._leave(point)
        site.read_all()

    def finish(self) -> None:
        """Feed the rest, wait for all, stop in order; then all must be there, once."""
        site, crew = self._site, self._crew
        site.feed(1.0)
        crew.fill(_size(self._run))
        self._supervised_settle()
        projected(site.kafka, crew.valkey)
        crew.stop()
        site.read_all()
        site.assert_whole()
        assert_projected(site.kafka, crew.valkey)

    # -- alone -----------------------------------------------------------------------------------------------------

    def _alone(self, point: Disturbance) -> float:
        """Do *point* to a lone worker; returns when. Another works on where all is to be waited for."""
        crew = self._crew
        if point.kind == "valkey":
            return self._valkey(point)
        if point.detail in NAMED:
            victim = crew.start(point.detail, point.count)
            if NAMED[point.detail] == "revoke":
                assert victim.wait_owner(REACH_S)
                self._read_for(point.after_s / 5)
                victim.signal(signal.SIGTERM)
            self._dies(victim, point)
        else:
            victim = crew.start()
            self._read_for(point.after_s)
            victim.kill()
        struck_s = time.monotonic()
        if point.settle:
            crew.start()
        return struck_s

    def _dies(self, victim: Child, point: Disturbance) -> None:
        """Wait until *victim* has killed itself at *point*; what it writes is read meanwhile."""
        deadline = time.monotonic() + REACH_S
        while victim.wait(0.02) is None and time.monotonic() < deadline:
            self._site.read(0.01)
        if victim.code != -signal.SIGKILL:
            victim.kill()
            raise NotReachedError(
                f"{point.detail} ({point.count}): the worker ended with {victim.code}, see {victim.log}"
            )

    def _read_for(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._site.read(min(left, 0.05))

    def _leave(self, point: Disturbance) -> None:
        """The lone worker has done its work: it goes, so that the next point has one of its own."""
        if point.orderly:
            self._crew.stop()
        else:
            self._crew.kill()

    def _valkey(self, point: Disturbance) -> float:
        """Valkey loses all it has under a running worker, at a random time."""
        crew, valkey = self._crew, self._crew.valkey
        crew.fill(1)
        self._read_for(point.after_s)
        if point.detail == "emptied":
            valkey.empty()
        else:
            valkey.kill()
            self._read_for(self._rng.uniform(0.0, 1.0))
            valkey.start()
        struck_s = time.monotonic()
        self._supervised_settle()
        self._crew.kill()  # in order it might not end: it may be just about to notice the loss
        return struck_s

    def _supervised_settle(self) -> None:
        """Wait for what is due, and start workers that have ended again, as a supervisor does."""
        deadline = time.monotonic() + SETTLE_S
        size = _size(self._run)
        while not self._site.settled and time.monotonic() < deadline:
            self._crew.fill(size)
            self._read_for(0.1)
        self._site.settle(5.0)
        self._crew.fill(size)

    # -- in a group ------------------------------------------------------------------------------------------------

    def _in_a_group(self, point: Disturbance, share: float) -> float:
        """Do *point* to one of several workers; returns when."""
        if point.kind == "broker":
            return self._broker(point, share)
        if point.detail in NAMED and NAMED[point.detail] != "revoke":
            return self._newcomer(point, share)
        crew = self._crew
        armed = point.detail in NAMED
        crew.shrink(GROUP_SIZE - armed)
        crew.fill(GROUP_SIZE - armed)
        victim = crew.start(point.detail, point.count) if armed else self._rng.choice(crew.living())
        victim.wait_owner(REACH_S)
        until = time.monotonic() + point.after_s
        if armed or point.kind == "join_and_kill":
            crew.start()
        self._site.trickle(share, lambda: not victim.alive or (not armed and time.monotonic() > until))
        if armed:
            self._dies(victim, point)
        elif point.kind == "zombie":
            victim.signal(signal.SIGSTOP)
            return self._zombie(victim)
        else:
            victim.kill()
        return time.monotonic()

    def _newcomer(self, point: Disturbance, share: float) -> float:
        """The last to join dies, or stops, at a named point, when all are busy."""
        crew = self._crew
        crew.shrink(GROUP_SIZE - 1)
        crew.fill(GROUP_SIZE - 1)
        zombie = point.kind == "zombie"
        # it has a third of the log, and deletes what a former owner left once
        count = 1 if point.detail == "snapshot.half_deleted" else (point.count + 1) // 2
        victim = crew.start(point.detail, count, "stop" if zombie else "kill")
        if NAMED[point.detail] != "restore":
            assert victim.wait_owner(REACH_S), f"{victim.log}: no partition in {REACH_S:.0f} s"
        self._site.trickle(share, lambda: not victim.alive or victim.stopped)
        if not zombie:
            self._dies(victim, point)
            return time.monotonic()
        if not victim.wait_stopped(REACH_S):
            raise NotReachedError(f"{point.detail} ({point.count}): the worker goes on, see {victim.log}")
        return self._zombie(victim)

    def _zombie(self, victim: Child) -> float:
        """*victim* is stopped: when the others have done its work it wakes up and believes to be the owner."""
        struck_s = time.monotonic()
        self._site.settle()
        if (left := struck_s + self._ground.session_s + 1.0 - time.monotonic()) > 0:
            self._read_for(left)
        victim.proceed()
        self._read_for(1.0)
        return struck_s

    def _broker(self, point: Disturbance, share: float) -> float:
        """The broker goes away under busy workers and comes back with its data; they may end, and are started again."""
        broker = self._ground.frail
        assert broker is not None
        self._crew.fill(GROUP_SIZE - 1)
        assert self._crew.living()[0].wait_owner(REACH_S)
        self._site.feed(share)
        self._read_for(point.after_s / 5)
        if point.detail == "paused":
            os.kill(broker.pid, signal.SIGSTOP)
            time.sleep(2 * point.after_s)
            os.kill(broker.pid, signal.SIGCONT)
        else:
            broker.restart(kill=point.detail == "killed", down_s=point.after_s)
        struck_s = time.monotonic()
        self._supervised_settle()
        return struck_s
