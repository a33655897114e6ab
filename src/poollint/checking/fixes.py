"""The fixes of findings: computed from the concrete tree by the fixer of each rule, when somebody asks for edits.

What is computed becomes part of the mark, so that the next run need not compute it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.checking.results import StoredEdit, StoredEdits, original

if TYPE_CHECKING:
    from poollint.checking.marks import Marks
    from poollint.checking.results import StoredFix, StoredVerdict
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.editing.tree import FileTree
    from poollint.rules.mending import Fixer

DISPLAY = "display"


class Fixes:
    """Completes the marks of one root with edits."""

    __slots__ = ("marks", "sources")

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        self.sources = marks.sources

    def complete(self, index: int) -> None:
        """See to it that the mark of a verdict holds the edits that mend it, or why there are none."""
        mark = self.marks.mark(index)
        if mark is None or mark.fix is None or mark.mending is not None:
            return
        verdict = self.marks.result.verdicts[index]
        self.marks.new[index] = mark._replace(mending=self.computed(index, verdict, mark.fix))

    def computed(self, index: int, verdict: StoredVerdict, described: StoredFix) -> StoredEdits:
        """What the fixer of the rule says; words alone where the rule has none, or where it fails."""
        from poollint.rules.registry import rule

        words = StoredEdits(DISPLAY, described.title)
        fixer = rule(verdict.code).fixer
        if fixer is None:
            return words
        read: list[str] = []
        try:
            answer = self.asked(fixer, verdict, read)
        except Exception as error:
            self.marks.faults[index] = error
            return words._replace(held_back="poollint failed to compute it")
        from poollint.editing.proposal import Refusal

        if isinstance(answer, Refusal):
            return words._replace(held_back=answer.reason, reads=tuple(read))
        edits = tuple(self.stored(answer))
        return StoredEdits(answer.applicability.value, answer.title, edits, "", answer.group, tuple(read))

    def asked(self, fixer: Fixer, verdict: StoredVerdict, read: list[str]) -> Proposal | Refusal:
        """The answer of a fixer, and in `read` the other files that it looked at."""
        from poollint.editing.hands_off import reason_against
        from poollint.editing.proposal import Refusal
        from poollint.rules.mending import FixTarget

        def other(path: str) -> FileTree | None:
            if path != verdict.span[0] and path not in read:
                read.append(path)
            return self.sources.tree(path)

        tree = self.sources.tree(verdict.span[0])
        if tree is None:
            return Refusal("the file cannot be parsed losslessly")
        answer = fixer(FixTarget(original(verdict), tree, other))
        if isinstance(answer, Refusal):
            return answer
        reason = reason_against(answer.edits, (tree.source, *(each.source for each in map(other, read) if each)))
        return Refusal(reason) if reason else answer

    def stored(self, proposal: Proposal) -> list[StoredEdit]:
        """The edits as rows, in the order of their places."""
        prefix = self.sources.reader.absolute("")
        return [
            StoredEdit(
                edit.location.path.removeprefix(prefix),
                edit.location.line,
                edit.location.column,
                edit.location.end_line,
                edit.location.end_column,
                edit.text,
            )
            for edit in sorted(proposal.edits, key=lambda edit: edit.location)
        ]
