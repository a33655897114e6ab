"""What a caller of `poollint.check` asks for, beyond the settings of each root."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from poollint.config import Settings


class CheckError(Exception):
    """poollint cannot do its work; the text tells the user why."""


class CheckOptions(NamedTuple):
    """Options of one run. What is None leaves the setting of each root as it is.

    `buffers` holds unsaved content by absolute path; it stands in for the files and never gets into a cache.
    `anonymous` is source text that belongs to no file: a program of its own. `host_applies_noqa` leaves `# noqa` to
    the host (flake8). `named` holds selectors that the host's own options name: their rules run and show everything.
    `edits` computes the edits of fixes; None does so for the formats that show them.
    `everything` reads all files instead of working outwards from those that matter; only tests need it.
    """

    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] | None = None
    exclude: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    report: str | None = None
    fail_on: str | None = None
    output_format: str | None = None
    jobs: int | None = None
    config: Path | None = None
    isolated: bool = False
    cache: bool = True
    buffers: Mapping[str, bytes] = MappingProxyType({})
    anonymous: bytes | None = None
    host_applies_noqa: bool = False
    named: tuple[str, ...] = ()
    edits: bool | None = None
    everything: bool = False


def settings_for(root: Path, options: CheckOptions) -> Settings:
    """The settings of a root with the options of the run put over them. Raises `ConfigError`."""
    from poollint.config import load_settings

    return with_options(load_settings(root, options.config, options.isolated), options)


def with_options(settings: Settings, options: CheckOptions) -> Settings:
    """The options of the run put over the settings of a root."""
    from poollint.config import override

    return override(
        settings,
        select=options.select,
        ignore=options.ignore,
        extend_select=options.extend_select,
        exclude=options.exclude,
        models=options.models,
        report=options.report,
        fail_on=options.fail_on,
        output_format=options.output_format,
        jobs=options.jobs,
    )
