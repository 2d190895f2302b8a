"""Room: when a partition can keep no more calls or queues, people are told, at clock records and not too often.

A *stretch* begins with the first call or queue that found no room, or the first rise of the floor, and ends when
nothing of the kind has happened for `GAP_MS` of stream time. It is told when it begins, then at most once in `GAP_MS`
while it goes on, and when it ends. All of it follows from the log, and its state is in the snapshot: a restored
worker tells nothing twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import orjson

from models.event import LATENESS_MS, DeadLetter
from models.refusal import Reason
from streams.windows import Windows

#: Between two alerts of one stretch: as between two pages of one order.
GAP_MS: Final = 15 * 60_000
SEVERITY: Final = 2
_NEVER: Final = -1


@dataclass(slots=True)
class Stretch:
    """What has happened since the stretch began. Times in stream ms, -1 for never; *queue* the first one refused."""

    calls: int = 0
    events: int = 0  #: of queues that found no room
    queue: str = ""
    rises: int = 0
    told_ms: int = _NEVER
    last_ms: int = _NEVER
    new: bool = False  #: something has happened since it was told


@dataclass(slots=True)
class Room:
    """Watches one *partition* for want of room. *raised_ms* is the floor as it was last seen."""

    partition: int
    stretch: Stretch = field(default_factory=Stretch)
    raised_ms: int | None = None
    _refused: int = 0  #: the windows' count as last read; not in a snapshot, where it begins at 0 with them
    _letters: deque[DeadLetter] = field(default_factory=deque)  #: of the batch, not yet counted

    def begin(self, dead: Sequence[DeadLetter]) -> None:
        """A batch begins whose bad records are *dead*, by offset."""
        self._letters.extend(letter for letter in dead if letter.reason == Reason.TOO_MANY_QUEUES)

    def end(self) -> None:
        """The batch is applied."""
        self._count_letters(1 << 62)

    def note(self, refused: int) -> None:
        """The windows have refused *refused* calls so far."""
        if refused > self._refused:
            self._happened(calls=refused - self._refused)
        self._refused = refused

    def skip(self, refused: int) -> None:
        """The same, but what is new was dropped for another reason than want of room."""
        self._refused = refused

    def clock(self, offset: int, windows: Windows, limit: int) -> tuple[str, dict[str, Any]] | None:
        """The alert due at the clock record at *offset*, if any: its queue and its payload without ``pos``.

        *limit* is the number of queues that the partition may know.
        """
        self._count_letters(offset)
        now_ms, raised_ms = windows.now_ms, windows.raised_ms
        if raised_ms is not None and (self.raised_ms is None or raised_ms > self.raised_ms):
            self.raised_ms = raised_ms
            self._happened(rises=1)
        stretch = self.stretch
        if stretch.new and stretch.last_ms == _NEVER:
            stretch.last_ms = now_ms
        if stretch.told_ms == _NEVER:
            kind = "raised" if stretch.new else ""
        elif now_ms - stretch.told_ms < GAP_MS:
            kind = ""
        elif stretch.new:
            kind = "changed"
        else:
            kind = "cleared" if now_ms - stretch.last_ms >= GAP_MS else ""
        if not kind:
            return None
        queue = stretch.queue or windows.fullest() or "*"
        found = self._alert(kind, queue, windows, limit)
        self.stretch = Stretch() if kind == "cleared" else replace(stretch, told_ms=now_ms, new=False)
        return queue, found

    def freeze(self) -> dict[str, Any]:
        """The state for a snapshot."""
        return {"stretch": asdict(self.stretch), "raised_ms": self.raised_ms}

    def thaw(self, state: dict[str, Any]) -> None:
        """Take up what `freeze` gave."""
        self.stretch, self.raised_ms = Stretch(**state["stretch"]), state["raised_ms"]

    def _count_letters(self, before: int) -> None:
        while self._letters and self._letters[0].offset < before:
            letter = self._letters.popleft()
            if not self.stretch.queue:
                self.stretch.queue = str(orjson.loads(letter.value)["queue"])
            self._happened(events=1)

    def _happened(self, calls: int = 0, events: int = 0, rises: int = 0) -> None:
        stretch = self.stretch
        stretch.calls += calls
        stretch.events += events
        stretch.rises += rises
        stretch.new, stretch.last_ms = True, _NEVER  # dated by the next clock

    def _alert(self, kind: str, queue: str, windows: Windows, limit: int) -> dict[str, Any]:
        text, zh = self._words(windows, limit)
        over = kind == "cleared"
        head = (
            (f"Room again in partition {self.partition}", f"分区 {self.partition} 容量恢复")
            if over
            else (f"Partition {self.partition} is full", f"分区 {self.partition} 已满")
        )
        return {
            "kind": kind,
            "queue": queue,
            "order": None,
            "at_ms": windows.now_ms,
            "severity": SEVERITY,
            "owner": None,
            "title": head[0],
            "text": f"{head[0]}{', in all' if over else ''}: {text}",
            "zh": f"{head[1]}{',累计' if over else ''}:{zh}",
        }

    def _words(self, windows: Windows, limit: int) -> tuple[str, str]:
        """What happened and the way out, in English and in Chinese."""
        stretch = self.stretch
        english, chinese = [], []
        if stretch.calls or stretch.rises:
            kept, most = windows.limit, windows.fullest()
            floor_min = max(windows.now_ms - (self.raised_ms or 0), 0) // 60_000
            floor_min = min(floor_min, LATENESS_MS // 60_000)
            english.append(
                f"{stretch.calls} events found no room among {kept} calls and agents, and events more than "
                f"{floor_min} min old count as too late (most are of {most}). Use more partitions, or stop what "
                "floods that queue"
            )
            chinese.append(
                f"{stretch.calls} 个事件超出 {kept} 个通话与坐席的容量,早于 {floor_min} 分钟的事件视为过迟"
                f"(最多的队列:{most})。请增加分区,或排查该队列的异常流量"
            )
        if stretch.events:
            english.append(
                f"{stretch.events} events of further queues were refused, the first of {stretch.queue}: {limit} "
                "queues are known already. Look for invented names in dead-letters, or use more partitions"
            )
            chinese.append(
                f"{stretch.events} 个事件属于新队列而被拒绝(首个:{stretch.queue}):已有 {limit} 个队列。"
                "请在 dead-letters 中排查异常队列名,或增加分区"
            )
        return "; ".join(english), ";".join(chinese)
