"""When the local days of units began, asked at every tick and worked out once a day."""

from __future__ import annotations

from typing import Final

from models.hours import day_start_ms

#: No local day is shorter, whatever its clocks do.
SHORTEST_MS: Final = 22 * 3_600_000


class Days:
    """Remembers of each zone when its day began."""

    def __init__(self) -> None:
        self._began: dict[str, int] = {}

    def began_ms(self, zone: str, now_ms: int) -> int:
        """When the local day of *now_ms* began in *zone* (`models.hours.day_start_ms`)."""
        known = self._began.get(zone)
        if known is None or not known <= now_ms < known + SHORTEST_MS:
            known = self._began[zone] = day_start_ms(zone, now_ms)
        return known
