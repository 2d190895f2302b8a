"""The errors that a person sees. The type names the reaction; the text says what, where and what to do.

CallwatchError
├── UsageError      the call was wrong: correct it (exit 2)
│   └── SettingsError   the settings file is wrong: its line and the reason
└── WorkError       the work failed: the text says why and the way out (exit 1)
    └── InputError      a file or stream cannot be read as what it should be
"""

from __future__ import annotations


class CallwatchError(Exception):
    """Anything that ends a command with a sentence instead of a traceback."""

    exit_code = 1


class UsageError(CallwatchError):
    """The call was wrong: correct it and call again."""

    exit_code = 2


class SettingsError(UsageError):
    """The settings file is wrong; the text names file, line and reason."""


class WorkError(CallwatchError):
    """The work failed; the text says why and what to do."""


class InputError(WorkError):
    """A file or stream is not what it should be; the text names file, line or offset."""
