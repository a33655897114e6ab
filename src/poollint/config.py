"""Configuration: `[tool.poollint]` of a root's pyproject.toml, as one frozen record.

`SETTINGS_KEYS` is the only list of keys; the documentation, `--show-settings` and the error messages derive from it.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PYPROJECT = "pyproject.toml"
SECTION = "tool.poollint"


class ConfigError(Exception):
    """The configuration cannot be used. `file` names where it stands, `key` the offending key or ""."""

    def __init__(self, file: str, key: str, message: str, line: int = 0) -> None:
        super().__init__(file, key, message, line)
        self.file = file
        self.key = key
        self.message = message
        self.line = line

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class Kind(str, Enum):
    """What type of value a key takes; the value is how messages and documentation call it."""

    STRINGS = "list of strings"
    TABLE = "table of lists of strings"
    STRING = "string"
    VERSION = "version"
    CHOICE = "one of"
    COUNT = "number from 0"
    SWITCH = "true or false"


class SettingsKey(NamedTuple):
    """One key of `[tool.poollint]`. `name` is the spelling with dashes; `choices` belongs to `Kind.CHOICE`."""

    name: str
    kind: Kind
    default: object
    help: str
    choices: tuple[str, ...] = ()

    @property
    def attribute(self) -> str:
        """The attribute of `Settings` that holds the value."""
        return self.name.replace("-", "_")

    @property
    def type_text(self) -> str:
        """The accepted values in words: "list of strings", "one of error, warning, info"."""
        return f"{self.kind.value} {', '.join(self.choices)}" if self.choices else self.kind.value


SEVERITIES = ("error", "warning", "info")
REPORTS = ("primary", "touched")
OUTPUT_FORMATS = ("text", "full", "json")


class Settings(NamedTuple):
    """The settings of one root. Paths and patterns are relative to the root and use `/`.

    An empty `select` means the default set. `jobs` 0 chooses automatically. `source` is the file that the values
    came from, "" when they are the defaults.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    src: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    fail_on: str = "warning"
    report: str = "primary"
    jobs: int = 0
    respect_gitignore: bool = True
    sqlalchemy_version: str | None = None
    output_format: str = "text"
    source: str = ""


SETTINGS_KEYS = (
    SettingsKey(
        "select", Kind.STRINGS, (), "Codes or prefixes to report instead of the default set; ALL is every rule."
    ),
    SettingsKey("ignore", Kind.STRINGS, (), "Codes or prefixes that are never reported."),
    SettingsKey("extend-select", Kind.STRINGS, (), "Codes or prefixes to report in addition to the default set."),
    SettingsKey("exclude", Kind.STRINGS, (), "Patterns as in .gitignore: files that are neither read nor reported."),
    SettingsKey(
        "src", Kind.STRINGS, (), "Folders that imports start from, and nested projects that belong to this one."
    ),
    SettingsKey(
        "models", Kind.STRINGS, (), "YAML files with rows of your own: wrappers that create engines, job decorators."
    ),
    SettingsKey("per-file-ignores", Kind.TABLE, (), "Pattern of files to the codes that are not reported in them."),
    SettingsKey("fail-on", Kind.CHOICE, "warning", "The lowest severity that makes the exit status 1.", SEVERITIES),
    SettingsKey(
        "report", Kind.CHOICE, "primary", "Which places of a finding count as touched by a passed file.", REPORTS
    ),
    SettingsKey("jobs", Kind.COUNT, 0, "Number of processes that read files; 0 chooses automatically."),
    SettingsKey("respect-gitignore", Kind.SWITCH, True, "Leave out what .gitignore files leave out."),
    SettingsKey(
        "sqlalchemy-version",
        Kind.VERSION,
        None,
        "The SQLAlchemy version that the code runs on; otherwise lock and requirement files tell.",
    ),
    SettingsKey("output-format", Kind.CHOICE, "text", "The format of the report.", OUTPUT_FORMATS),
)


def load_settings(root: Path, config: Path | None = None, isolated: bool = False) -> Settings:
    """Read the settings of `root`.

    `config` is read instead of the root's pyproject.toml; a file of another name may also hold the keys at its top
    level. `isolated` reads nothing. An absent or empty pyproject.toml gives the defaults.

    Raises:
        ConfigError: unknown key, wrong type, broken TOML, or a `config` that cannot be read.
    """
    if isolated:
        return Settings()
    path = root / PYPROJECT if config is None else config
    try:
        data = path.read_bytes()
    except OSError as error:
        if config is None and isinstance(error, FileNotFoundError | NotADirectoryError):
            return Settings()
        raise ConfigError(str(path), "", f"cannot be read: {error.strerror or error}") from None
    named_pyproject = path.name == PYPROJECT
    if named_pyproject and not mentions_poollint(data):
        return Settings()
    document = parse_toml(data, str(path))
    tool = document.get("tool")
    section = tool.get("poollint") if isinstance(tool, dict) else None
    prefix = SECTION
    if section is None:
        if named_pyproject:
            return Settings()
        section, prefix = document, ""
    if not isinstance(section, dict):
        raise ConfigError(str(path), SECTION, "is not a table")
    return settings_from_table(section, str(path), prefix)


def mentions_poollint(data: bytes) -> bool:
    """Whether the bytes of a pyproject.toml can hold a `[tool.poollint]` section at all."""
    return b"poollint" in data


def parse_toml(data: bytes, file: str) -> dict[str, Any]:
    """The document of a TOML file.

    Raises:
        ConfigError: the bytes are not UTF-8 or not TOML; the message holds the line.
    """
    import sys
    from importlib import import_module

    tomllib: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        document: dict[str, Any] = tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(file, "", "is not UTF-8", line) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(file, "", f"is not valid TOML: {error}", _line_of(str(error), data)) from None
    except RecursionError:
        raise ConfigError(file, "", "is not valid TOML: nested too deeply") from None
    return document


def settings_from_table(table: Mapping[str, object], file: str, prefix: str = SECTION) -> Settings:
    """Validate the keys of one table. `prefix` is how messages name the table ("" for the top level).

    Raises:
        ConfigError: naming the file, the key, and for an unknown key the nearest valid one.
    """
    known = {key.name: key for key in SETTINGS_KEYS}
    values: dict[str, Any] = {"source": file}
    for spelled, value in table.items():
        full = f"{prefix}.{spelled}" if prefix else spelled
        key = known.get(spelled.replace("_", "-"))
        if key is None:
            raise ConfigError(file, full, f"unknown key{_did_you_mean(spelled.replace('_', '-'), tuple(known))}")
        if key.attribute in values:
            raise ConfigError(file, full, "given twice (with a dash and with an underscore)")
        try:
            values[key.attribute] = validated(key, value)
        except ValueError as error:
            raise ConfigError(file, full, str(error)) from None
    return Settings(**values)


def validated(key: SettingsKey, value: object) -> object:
    """The value as `Settings` holds it.

    Raises:
        ValueError: the value has the wrong type; the text says which one is expected.
    """
    if key.kind is Kind.STRINGS:
        return _strings(value, "expected a list of strings")
    if key.kind is Kind.TABLE:
        if not isinstance(value, dict):
            raise ValueError(f"expected a table of lists of strings, found {_type_name(value)}")
        return tuple(
            (pattern, _strings(codes, f'"{pattern}": expected a list of strings')) for pattern, codes in value.items()
        )
    if key.kind is Kind.COUNT:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"expected a number, found {_type_name(value)}")
        if value < 0:
            raise ValueError(f"expected 0 or more, found {value}")
        return value
    if key.kind is Kind.SWITCH:
        if not isinstance(value, bool):
            raise ValueError(f"expected true or false, found {_type_name(value)}")
        return value
    if not isinstance(value, str):
        raise ValueError(f"expected a string, found {_type_name(value)}")
    if key.kind is Kind.VERSION and not _is_version(value):
        raise ValueError(f'"{value}" is no version: write it like "1.4" or "2.0.30"')
    if key.kind is Kind.CHOICE and value not in key.choices:
        raise ValueError(f'"{value}" is not one of {", ".join(key.choices)}{_did_you_mean(value, key.choices)}')
    return value


def override(settings: Settings, **changes: Any) -> Settings:
    """A copy with some values replaced; a change that is None (an option not given) leaves the value alone.

    Lists become tuples. Raises TypeError for a name that is no setting.
    """
    names = set(Settings._fields)
    unknown = sorted(set(changes) - names)
    if unknown:
        raise TypeError(f"not a setting: {', '.join(unknown)}")
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in changes.items() if value is not None
    }
    return settings._replace(**given) if given else settings


def _is_version(text: str) -> bool:
    parts = text.split(".")
    return len(parts) <= 3 and all(part.isascii() and part.isdecimal() and len(part) < 6 for part in parts)


def _strings(value: object, expectation: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{expectation}, found {_type_name(value)}")
    for item in value:
        if not isinstance(item, str):
            raise ValueError(f"{expectation}, found {_type_name(item)} in the list")
    return tuple(value)


def _type_name(value: object) -> str:
    names = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "a list",
        dict: "a table",
    }
    return names.get(type(value), "a date or time")


def _did_you_mean(spelled: str, valid: tuple[str, ...]) -> str:
    import difflib

    nearest = difflib.get_close_matches(spelled, valid, n=1, cutoff=0.0)
    return f'; did you mean "{nearest[0]}"?' if nearest else ""


def _line_of(message: str, data: bytes) -> int:
    import re

    found = re.search(r"line (\d+)", message)
    return int(found.group(1)) if found else data.count(b"\n") + 1
