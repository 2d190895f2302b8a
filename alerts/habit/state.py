"""What is remembered of the queues of a partition: arrays with a row for each, so that a kernel goes through them all.

A row is 15 KB and does not grow. Its bytes are its snapshot; what is not in `Habits` follows from it.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.detect.season import A_DAY, A_WEEK
from models.pages import zeros

#: Tests: of the volume, of six shares, of two means. Subjects are sides of them.
VOLUME, MENU, BLOCKED, ABANDONED, SERVICE, QUEUED, CALLBACK, TALK, SPEED = range(9)
TESTS: Final = 9
#: Sums of a half-hour: calls; times in tenths of a second.
(
    OFFERED, ARRIVALS, IN_MENU, IN_BLOCKED, OUTCOMES, IN_ABANDONED, IN_QUEUED, SAMPLE, MISSED, ATTEMPTED, FAILED,
    COMPLETED, TALK_DS, ANSWERED, SPEED_DS,
) = range(15)  # fmt: skip
SUMS: Final = 15
#: By test (the volume has none): which sum over which.
ABOVE = np.array([-1, IN_MENU, IN_BLOCKED, IN_ABANDONED, MISSED, IN_QUEUED, FAILED, TALK_DS, SPEED_DS], np.int64)
BELOW = np.array(
    [-1, ARRIVALS, ARRIVALS, OUTCOMES, SAMPLE, OUTCOMES, ATTEMPTED, COMPLETED, ANSWERED], np.int64
)  # fmt: skip

#: Windows: the rolling ones by their buckets, then "resolve".
WIDTHS = np.array([12, 60, 180, 360], np.int64)
ROLLING: Final = 4
HALF_HOUR: Final = ROLLING - 1
SINCE_RESOLVE: Final = ROLLING
BUCKET_MS: Final = 5_000
HALF_MS: Final = 1_800_000
HALF_BUCKETS: Final = HALF_MS // BUCKET_MS

#: Places of a week: half-hours, half-hours of a kind of day, all. Shares and means are known by the latter two.
LIKE: Final = A_WEEK
ALL: Final = A_WEEK + 2 * A_DAY
PLACES: Final = ALL + 1
LIKES: Final = 2 * A_DAY
#: Half-hours of a kind of day that are Monday to Friday's.
WORKDAYS: Final = 5 * A_DAY
#: Columns of `Habits.week` and `Habits.like` (where sums follow from column 1 on, without OFFERED).
SEEN, MEAN = 0, 1

#: Columns of `Habits.vary`: sums behind the variation beyond chance.
EXCESS, OF = 0, 1
#: Columns of `Habits.lines`: the two CUSUMs and whether each is calling, how alike neighbours are, the block so far.
UP, DOWN, CALLS_UP, CALLS_DOWN, EXTRA, BLOCKS, BLOCK_SUM, BLOCK_ROWS = range(8)
#: Columns of `Habits.late`: what was, what the norm says, of how many; of the last day and a half, and since learning
#: was last allowed.
DAY_WAS, DAY_NORM, DAY_OF, SINCE_WAS, SINCE_NORM, SINCE_OF = range(6)
#: Row of `Habits.late` of the last three hours of the volume (DAY_WAS and DAY_NORM), after those of the tests.
RECENT: Final = TESTS
#: Diary: two local days, each of at most DIARY half-hours; column 0 is the half-hour of the week, from 1.
DIARY: Final = 50
#: Columns of `Habits.whole`. Days are ordinals of local dates, 0 for none. MARKS odd days follow MARK.
#: SLOT is the first of four half-hours of the week, two before to one after the present one, whose number is HALF.
DAY, ROWS, TODAY, HALF, OPEN_SINCE, WHOLE_SINCE, CLEAN, HELD, SLOT, MARK = 0, 2, 4, 5, 6, 7, 8, 9, 10, 14
MARKS: Final = 8
WHOLES: Final = MARK + MARKS
#: Columns of `Habits.plan`: calls planned for the half-hour before and for this one, then talk time in tenths of a
#: second. Rows were kept with the calls alone once.
CALLS_BEFORE, CALLS_NOW, TALK_BEFORE, TALK_NOW = range(4)
PLANS, PLANS_ONCE = 4, 2
#: Columns of `Habits.since`: begin of a verification (NaN none), up to where is summed, calls expected: least, most.
BEGAN, UPTO, LEAST, MOST = range(4)
#: Columns of `Habits.flow`: calls, conversations and their time (tenths of a second) of the day at the last clock; then
#: for each hypothesis that TIMES as many calls come (the first DOWNS are drops) calls that came and that were expected
#: since it may have begun; at last conversations since they may have become longer, and how many times the usual all
#: of them together took.
COUNT, COUNT_TALKS, COUNT_TALK, FIRST = 0, 1, 2, 3
CAME, MEANT = 0, 1
TIMES = np.array([0.05, 0.5, 1.5, 2.5])
DOWNS: Final = 2
TALKS, TALKED = 11, 12
FLOWS: Final = 13
#: Subjects and their windows in `Habits.out`; after the rolling ones "resolve" and "now".
SUBJECTS: Final = 10
OUTS: Final = 6


class Habits(NamedTuple):
    """Kernels take it whole; the first index is the queue's row."""

    week: NDArray[np.float32]  # PLACES x (seen, mean of offered)
    like: NDArray[np.float32]  # (LIKES + 1) x (seen, sums), faded
    vary: NDArray[np.float64]  # tests x rolling windows x 2
    lines: NDArray[np.float64]  # tests x 8
    late: NDArray[np.float64]  # (tests + 1) x 6
    diary: NDArray[np.uint16]  # 2 x DIARY x (place, sums)
    daily: NDArray[np.float32]  # 2 x tests x (rolling windows + 1) x 2: what the days say of `vary` and of EXTRA
    whole: NDArray[np.int64]
    since: NDArray[np.float64]
    plan: NDArray[np.float64]  # PLANS: NaN where nothing is planned
    out: NDArray[np.float32]  # scores as judged last
    flow: NDArray[np.float64]  # calls and conversations since they may have changed


class Ready(NamedTuple):
    """What follows from `Habits`, the half-hour and the plans; made anew at each half-hour and change."""

    base: NDArray[np.float64]  # calls of the half-hours two before to one after, by the norm; 0 unknown
    known: NDArray[np.uint8]  # whether the half-hour may be judged
    known_before: NDArray[np.uint8]  # and the one before it
    level: NDArray[np.float64]
    doubt: NDArray[np.float64]  # squared relative error of the norm of the volume
    norm: NDArray[np.float64]  # tests x (half-hour before, this one): share or mean; NaN unknown
    behind: NDArray[np.float64]  # by test: calls (not times) behind the norm
    row: NDArray[np.int64]  # of the matrix of figures, -1 for none
    usual: NDArray[np.float64]  # the expectations that are figures
    weekly: NDArray[np.float64]  # calls of a week by the norm
    flow: NDArray[np.float64]  # how near the flow of calls is to its limits at this clock: surge, drop, talk
    dirty: NDArray[np.uint8]


def habits(rows: int) -> Habits:
    """Room for so many queues of which nothing is known."""
    made = Habits(
        week=np.zeros((rows, PLACES, 2), np.float32),
        like=np.zeros((rows, LIKES + 1, SUMS), np.float32),
        vary=np.zeros((rows, TESTS, ROLLING, 2)),
        lines=np.zeros((rows, TESTS, 8)),
        late=np.zeros((rows, TESTS + 1, 6)),
        diary=np.zeros((rows, 2, DIARY, SUMS + 1), np.uint16),
        daily=np.zeros((rows, 2, TESTS, ROLLING + 1, 2), np.float32),
        whole=np.zeros((rows, WHOLES), np.int64),
        since=np.full((rows, 4), np.nan),
        plan=np.full((rows, PLANS), np.nan),
        out=np.full((rows, SUBJECTS, OUTS), np.nan, np.float32),
        flow=np.zeros((rows, FLOWS)),
    )
    made.flow[:, :FIRST] = np.nan
    made.whole[:, HELD], made.whole[:, HALF] = 1, -1
    made.whole[:, OPEN_SINCE] = made.whole[:, WHOLE_SINCE] = -1
    return made


def ready(rows: int) -> Ready:
    """The same for what follows."""
    return Ready(
        base=np.zeros((rows, 4)),
        known=np.zeros(rows, np.uint8),
        known_before=np.zeros(rows, np.uint8),
        level=np.ones(rows),
        doubt=np.zeros(rows),
        norm=np.full((rows, TESTS, 2), np.nan),
        behind=np.zeros((rows, TESTS)),
        row=np.full(rows, -1, np.int64),
        usual=np.full((rows, 4), np.nan),
        weekly=np.zeros(rows),
        flow=np.zeros((rows, 3)),
        dirty=np.zeros(rows, np.uint8),
    )


def longer(arrays: Any, empty: Any) -> Any:
    """*arrays* with the rows of *empty* after theirs. Where nothing was learned yet no memory is touched: most of a
    row is zero until then, and what is zero costs nothing before it is written."""
    return type(arrays)(*(_longer(a, b) for a, b in zip(arrays, empty, strict=True)))


def _longer(array: NDArray[Any], more: NDArray[Any]) -> NDArray[Any]:
    out = zeros((len(array) + len(more), *array.shape[1:]), array.dtype, dense=False)
    used = array.reshape(len(array), -1).any(axis=1) if len(array) else np.zeros(0, bool)
    out[: len(array)][used] = array[used]
    if more.any():
        out[len(array) :] = more
    return out


_MAGIC: Final = b"callwatch-habit-2\n"
#: Rows were kept without planned talk time and without `Habits.flow` once.
_ONCE: Final = b"callwatch-habit-1\n"


def pack(state: Habits, q: int) -> bytes:
    """The bytes of row *q*."""
    return _MAGIC + b"".join(array[q].tobytes() for array in state)


def unpack(state: Habits, q: int, data: bytes) -> None:
    """Fill row *q* from what `pack` gave, now or once. Raises ValueError when it is none."""
    arrays: list[NDArray[Any]] = list(state)
    sizes = [array[q].nbytes for array in arrays]
    once = data.startswith(_ONCE)
    if once:
        sizes[Habits._fields.index("plan")] = PLANS_ONCE * state.plan.itemsize
        sizes[Habits._fields.index("flow")] = 0
    if not (once or data.startswith(_MAGIC)) or len(data) != len(_MAGIC) + sum(sizes):
        raise ValueError("no snapshot of a habit, or one of another version")
    clear(state, q)
    at = len(_MAGIC)
    for array, size in zip(arrays, sizes, strict=True):
        part = array[q].reshape(-1)
        count = size // array.itemsize
        part[:count] = np.frombuffer(data, array.dtype, count, at)
        at += size


def copy_row(source: Habits, p: int, target: Habits, q: int) -> None:
    """Row *p* of *source* into row *q* of *target*."""
    for name in Habits._fields:
        getattr(target, name)[q] = getattr(source, name)[p]


def clear(state: Habits, q: int) -> None:
    """Nothing is known of row *q*."""
    copy_row(habits(1), 0, state, q)
