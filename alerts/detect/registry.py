"""Every detector by its permanent name. A new one is its file and a line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from alerts.detect.contract import Detector
from alerts.detect.ratio import RatioDetector
from alerts.detect.series import SeriesDetector
from alerts.detect.slide import RatioSlide, VolumeSlide
from alerts.detect.volume import VolumeDetector

#: Name to what makes a fresh one.
DETECTORS: Final[dict[str, Callable[[], Detector]]] = {
    SeriesDetector.name: SeriesDetector,
    VolumeDetector.name: VolumeDetector,
    RatioDetector.name: RatioDetector,
    VolumeSlide.name: VolumeSlide,
    RatioSlide.name: RatioSlide,
}
