"""The build hook: compiles the rows of src/poollint/library, so that no start of an installed poollint parses YAML."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompiledLibrary(BuildHookInterface[Any]):
    """Writes src/poollint/library/compiled.msgpack before a wheel is packed, also before an editable one."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; `version` says which kind of wheel is made. A wrong row ends the build."""
        sys.path.insert(0, str(Path(self.root, "src")))
        try:
            from poollint.library.loader import ship

            ship()
        finally:
            del sys.path[0]
