"""How a command ends."""

from __future__ import annotations

FOUND_NOTHING = 0
FOUND = 1
FAILED = 2
"""poollint could not do its work: a wrong option, a broken configuration, an unreadable file."""


class UsageError(Exception):
    """A message for the user, who can mend what it says; the run ends with status 2."""
