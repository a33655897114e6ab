"""What the version of SQLAlchemy changes about a finding: how loud it is, and which advice works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.rules.lifetime.reporting import first_leak

if TYPE_CHECKING:
    from poollint.program.lifetimes.sites import HandleSite, Leak
    from poollint.program.versions import Version


def connection_severity(severity: Severity, sqlalchemy: Version) -> Severity:
    """At most a warning before 2.0: there a Connection that leaves on the normal path is freed by its reference count.

    What an exception leaves behind stays checked out with every version, and the rest leaks from the upgrade on.
    """
    return Severity.WARNING if severity is Severity.ERROR and sqlalchemy.below(2, 0) else severity


def left_by_exception(site: HandleSite) -> Leak | None:
    """The first way out of the connection's function that an exception takes."""
    return next((leak for leak in site.leaks if leak.how == "raise"), None)


def leak_that_stays(site: HandleSite, sqlalchemy: Version) -> Leak:
    """The way out that the message about a connection names: before 2.0 an exception, as nothing else leaks."""
    raised = left_by_exception(site) if sqlalchemy.below(2, 0) else None
    return raised or first_leak(site)


def commits_by_itself(sqlalchemy: Version) -> bool:
    """Before 2.0 a Connection commits each statement that writes."""
    return sqlalchemy.below(2, 0)


def without_with(sqlalchemy: Version) -> bool:
    """Before 1.4 a Session is no context manager: `with Session()` is a TypeError."""
    return sqlalchemy.below(1, 4)
