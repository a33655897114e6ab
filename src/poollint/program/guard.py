"""What a once-guard is: a test that lets a piece of code run a single time, per process, key, instance or thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from poollint.facts import model
    from poollint.program.sites import Times
    from poollint.program.values import ClassValue


class Guard(Struct, frozen=True):
    """What a guard holds and how often the guarded code runs because of it.

    `times`: ONCE (a global), PER_KEY (a container), PER_THREAD, PER_PROCESS (a process id), or None when it is once
    per instance of `owner`. `target` is the tested expression as written, `key` the tested key. `dead`: the guard
    fills a local only. `parameter`: the code runs only for some of the calls, and `target` says for which: those that
    leave the parameter "name" out, those that pass the flag "+name", or those that switch the flag "-name" off. With
    `times` as well, the other calls share what one of them made (a default that is a container).
    """

    times: Times | None
    target: str
    owner: ClassValue | None = None
    key: model.Expr | None = None
    dead: bool = False
    parameter: bool = False
