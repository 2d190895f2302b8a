"""The table ``[judge]`` of the settings file: what false alarms may cost."""

from __future__ import annotations

from callwatch.toml_table import Table
from models.catalogue import AlarmBudget


def read(table: Table) -> AlarmBudget:
    """The alarm budget. Raises SettingsError with line and reason."""
    default = AlarmBudget()
    return AlarmBudget(
        alarms_per_week=table.number("alarms_per_week", default.alarms_per_week, low=0.01, high=100),
        orders_per_shift=table.number("orders_per_shift", default.orders_per_shift, low=0.1, high=1000),
    )
