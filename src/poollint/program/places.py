"""What kind of file a path is: a test, a migration, a script, a page that is executed again and again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.values import External, ExternalInstance

if TYPE_CHECKING:
    from poollint.program.names import Resolver

_TEST_FOLDERS = frozenset({"tests", "test", "unittests"})
_TEST_FILE = re.compile(r"(^|/)(tests?|test_[^/]*|[^/]*_tests?|conftest)\.py$")


class Places:
    """Answers by path and by the module's own statements."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._rerun: dict[str, str] = {}
        self._migrations: dict[str, bool] = {}

    def is_test(self, path: str) -> bool:
        """S7: below a folder `tests` or `test`, or named like a test, relative to the root."""
        return bool(_TEST_FILE.search(path)) or not _TEST_FOLDERS.isdisjoint(path.split("/")[:-1])

    def is_migration(self, path: str) -> bool:
        """S6: Alembic's env.py (it uses `alembic.context`) or a revision (it assigns `revision`)."""
        found = self._migrations.get(path)
        if found is None:
            found = self._migrations[path] = self._migration(path)
        return found

    def _migration(self, path: str) -> bool:
        facts = self._resolver.project.facts(path)
        if facts is None:
            return False
        names = {op.target.id for op in facts.scopes[0].ops if isinstance(op.target, model.Name)}
        if {"revision", "down_revision"} <= names:
            return True
        if path.rpartition("/")[2] != "env.py":
            return False
        return any(each.module.split(".")[0] in ("alembic", "flask_migrate") for each in facts.scopes[0].imports)

    def rerun(self, path: str) -> str:
        """ "streamlit" or "airflow" where module level is executed again and again, else ""."""
        found = self._rerun.get(path)
        if found is None:
            found = self._rerun[path] = self._find_rerun(path)
        return found

    def _find_rerun(self, path: str) -> str:
        facts = self._resolver.project.facts(path)
        if facts is None:
            return ""
        module = facts.scopes[0]
        if any(each.module.split(".")[0] == "streamlit" for each in module.imports) and self._draws(path, facts):
            return "streamlit"
        if any(each.module.split(".")[0] == "airflow" for each in module.imports) and self._is_dag(path, facts):
            return "airflow"
        return ""

    def _draws(self, path: str, facts: model.ModuleFacts) -> bool:
        """Module level calls Streamlit (decorators do not draw)."""
        for index in facts.scopes[0].calls:
            call = facts.calls[index]
            if call.op < 0:
                continue
            for value in self._resolver.callee(path, index):
                if isinstance(value, (External, ExternalInstance)) and value.fqn.startswith("streamlit."):
                    return True
        return False

    def _is_dag(self, path: str, facts: model.ModuleFacts) -> bool:
        for index in facts.scopes[0].calls:
            for value in self._resolver.callee(path, index):
                if (
                    isinstance(value, External)
                    and value.fqn.startswith("airflow.")
                    and value.fqn.endswith((".DAG", ".dag"))
                ):
                    return True
        for scope in facts.scopes:
            if scope.parent == 0 and scope.decorators:
                index = facts.scopes.index(scope)
                for name in self._resolver.decorator_names(path, index):
                    if name.startswith("airflow.") and name.endswith(".dag"):
                        return True
        return False
