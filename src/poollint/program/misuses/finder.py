"""What finds wrong uses of one kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.facts import model
    from poollint.program.misuses.sites import Misuse


class Finder(ABC):
    """Finds wrong uses of one kind in one file that contains one of its `markers`."""

    markers: ClassVar[tuple[bytes, ...]]
    """Byte strings of which a file at stake contains one."""

    def concerns(self, path: str) -> bool:
        """The file may hold what is looked for, as far as its bytes tell: it is asked before the file is parsed."""
        return True

    @abstractmethod
    def of(self, path: str, facts: model.ModuleFacts) -> Iterator[Misuse]:
        """The wrong uses of a file."""
