"""Units: sums over queues. Every site (``site/*``), every region of sites (``region/*``) and everything (``*``).

A unit has no calls of its own. Each partition tells at every *tick*, a step of 5 seconds of stream time, what the
queues that it owns add up to (``unit.sums``), in the partition in which the unit is at home.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from models.catalogue import Catalogue
from models.partition import partition_of

#: Units of an installation. Each costs a home 60 KB and every partition a record every 5 seconds.
UNITS_MAX: Final = 200
#: The unit of all queues.
EVERYTHING: Final = "*"
#: One step of the units' time: that of the windows' buckets.
TICK_MS: Final = 5_000

#: How far a unit reaches. A flow between two of its own queues is no arrival and no departure of the unit.
ALL, SITE, REGION = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Layout:
    """Which units there are: *names* (``*`` first, then the sites', then the regions'), how far each reaches, and the
    partition in which each is *at home*; of a declared site the numbers of its own unit and its region's (-1: none).
    """

    names: tuple[str, ...]
    reach: tuple[int, ...]
    home: tuple[int, ...]
    of_site: dict[str, tuple[int, int]]

    def members(self, queue: str) -> tuple[int, int, int]:
        """Numbers of the units that *queue* counts in: everything, its site's, its region's; -1 where it has none."""
        return (0, *self.of_site.get(queue.rpartition("/")[0], (-1, -1)))


def units_of(catalogue: Catalogue, partitions: int) -> Layout:
    """The units that *catalogue* makes, over *partitions*.

    The settings refuse more than `UNITS_MAX` of them, and a region called like a site; here the later ones are left
    out, because settings may come from the log too.
    """
    sites = sorted(site.name for site in catalogue.sites if site.name != EVERYTHING)[: UNITS_MAX - 1]
    regions = sorted({site.region for site in catalogue.sites if site.region} - set(sites))
    regions = regions[: UNITS_MAX - 1 - len(sites)]
    names = (EVERYTHING, *(f"{name}/*" for name in (*sites, *regions)))
    number = {name: n for n, name in enumerate(names)}
    of_site = {
        site.name: (number[f"{site.name}/*"], number.get(f"{site.region}/*", -1) if site.region in regions else -1)
        for site in catalogue.sites
        if site.name in sites
    }
    reach = (ALL, *[SITE] * len(sites), *[REGION] * len(regions))
    return Layout(names, reach, tuple(partition_of(name, partitions) for name in names), of_site)
