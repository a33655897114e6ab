"""What the fixer of a rule answers: a proposal to edit, or why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from poollint.findings import Applicability, Edit


class Proposal(Struct, frozen=True):
    """Edits that mend a finding. They do not overlap, and may lie in several files: then it is all or nothing.

    Two proposals with one `group` are never applied in the same round: the second is computed again after the first.
    Name a group where fixes interfere although their edits do not touch, as in "two engines hoisted to one name".
    """

    title: str
    applicability: Applicability
    edits: tuple[Edit, ...]
    group: str = ""


class Refusal(Struct, frozen=True):
    """Why a finding is not mended here, as the end of the sentence "held back: ..."."""

    reason: str
