"""What may stand in `[tool.poollint]`, and what people read when they mistype it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from poollint.config import SETTINGS_KEYS, ConfigError, Settings, load_settings, override

if TYPE_CHECKING:
    from pathlib import Path


def settings_of(root: Path, text: str | bytes) -> Settings:
    data = text.encode() if isinstance(text, str) else text
    (root / "pyproject.toml").write_bytes(data)
    return load_settings(root)


def error_of(root: Path, text: str | bytes) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        settings_of(root, text)
    assert "\n" not in str(caught.value)
    assert caught.value.file == str(root / "pyproject.toml")
    return caught.value


def test_without_a_pyproject_the_defaults_hold(tmp_path: Path) -> None:
    assert load_settings(tmp_path) == Settings()


@pytest.mark.parametrize("text", ["", "[project]\nname = 'x'\n", "[tool.ruff]\nselect = ['E']\n"])
def test_a_pyproject_that_does_not_speak_about_poollint_gives_the_defaults(tmp_path: Path, text: str) -> None:
    assert settings_of(tmp_path, text) == Settings()


def test_a_broken_pyproject_that_does_not_speak_about_poollint_is_not_our_business(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "[project\n") == Settings()


def test_poollint_as_a_dependency_is_no_configuration(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "[dependency-groups]\ndev = ['poollint']\n").source == ""


def test_every_key_is_read_with_dashes(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path,
        """
        [tool.poollint]
        select = ["POL1", "POL201"]
        ignore = ["POL114"]
        extend-select = ["POL102"]
        exclude = ["build/", "*_pb2.py"]
        src = ["src"]
        models = ["models.yaml"]
        per-file-ignores = { "tests/*" = ["POL1"], "env.py" = [] }
        fail-on = "error"
        report = "touched"
        jobs = 3
        respect-gitignore = false
        sqlalchemy-version = "1.4"
        output-format = "json"
        """,
    )
    assert settings == Settings(
        select=("POL1", "POL201"),
        ignore=("POL114",),
        extend_select=("POL102",),
        exclude=("build/", "*_pb2.py"),
        src=("src",),
        models=("models.yaml",),
        per_file_ignores=(("tests/*", ("POL1",)), ("env.py", ())),
        fail_on="error",
        report="touched",
        jobs=3,
        respect_gitignore=False,
        sqlalchemy_version="1.4",
        output_format="json",
        source=str(tmp_path / "pyproject.toml"),
    )


def test_underscores_are_accepted(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "[tool.poollint]\nfail_on = 'info'\n").fail_on == "info"


def test_the_same_key_in_both_spellings_is_refused(tmp_path: Path) -> None:
    error = error_of(tmp_path, "[tool.poollint]\nfail_on = 'info'\nfail-on = 'error'\n")
    assert "given twice" in error.message


def test_an_unknown_key_names_the_nearest_one(tmp_path: Path) -> None:
    error = error_of(tmp_path, "[tool.poollint]\nexlude = ['x']\n")
    assert error.key == "tool.poollint.exlude"
    assert str(error) == f'{tmp_path / "pyproject.toml"}: tool.poollint.exlude: unknown key; did you mean "exclude"?'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("select = 'POL1'", "expected a list of strings, found a string"),
        ("select = [1]", "expected a list of strings, found a number in the list"),
        ("exclude = {}", "expected a list of strings, found a table"),
        ("per-file-ignores = ['a']", "expected a table of lists of strings, found a list"),
        ("per-file-ignores = {'a' = 'POL1'}", '"a": expected a list of strings, found a string'),
        ("jobs = '2'", "expected a number, found a string"),
        ("jobs = true", "expected a number, found true or false"),
        ("jobs = -1", "expected 0 or more, found -1"),
        ("respect-gitignore = 1", "expected true or false, found a number"),
        ("sqlalchemy-version = 2.0", "expected a string, found a number"),
        ("sqlalchemy-version = 'two'", '"two" is no version: write it like "1.4" or "2.0.30"'),
        ("sqlalchemy-version = '2.0.30.1'", '"2.0.30.1" is no version: write it like "1.4" or "2.0.30"'),
        ("sqlalchemy-version = ''", '"" is no version: write it like "1.4" or "2.0.30"'),
        ("fail-on = 1979-05-27", "expected a string, found a date or time"),
        ("fail-on = 'errors'", '"errors" is not one of error, warning, info; did you mean "error"?'),
    ],
)
def test_a_wrong_value_says_what_is_expected(tmp_path: Path, line: str, message: str) -> None:
    error = error_of(tmp_path, f"[tool.poollint]\n{line}\n")
    assert error.message == message
    assert error.key == f"tool.poollint.{line.split(' ')[0]}"


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    error = error_of(tmp_path, "[tool.poollint]\nselect = ['POL1'\nignore = 1\n")
    assert error.line in (2, 3)
    assert str(error).startswith(f"{tmp_path / 'pyproject.toml'}:{error.line}: is not valid TOML: ")


def test_toml_that_ends_too_early_names_its_last_line(tmp_path: Path) -> None:
    assert error_of(tmp_path, "[tool.poollint]\nselect = [").line == 2


def test_bytes_that_are_not_utf8_name_the_line(tmp_path: Path) -> None:
    error = error_of(tmp_path, b"[tool.poollint]\nselect = ['\xe9']\n")
    assert (error.line, error.message) == (2, "is not UTF-8")


def test_a_byte_order_mark_and_crlf_do_no_harm(tmp_path: Path) -> None:
    assert settings_of(tmp_path, b"\xef\xbb\xbf[tool.poollint]\r\njobs = 2\r\n").jobs == 2


def test_a_section_that_is_no_table_is_refused(tmp_path: Path) -> None:
    assert error_of(tmp_path, "[tool]\npoollint = 1\n").message == "is not a table"


def test_isolated_reads_nothing(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.poollint]\nnonsense = 1\n")
    assert load_settings(tmp_path, isolated=True) == Settings()


def test_an_explicit_file_may_hold_the_keys_at_its_top_level(tmp_path: Path) -> None:
    file = tmp_path / "poollint.toml"
    file.write_text("fail-on = 'error'\n")
    assert load_settings(tmp_path, config=file).fail_on == "error"
    file.write_text("[tool.poollint]\nfail-on = 'info'\n")
    assert load_settings(tmp_path, config=file).fail_on == "info"
    file.write_text("fail-onn = 'error'\n")
    with pytest.raises(ConfigError, match=r'fail-onn: unknown key; did you mean "fail-on"\?'):
        load_settings(tmp_path, config=file)


def test_an_explicit_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path, config=tmp_path / "nowhere.toml")


def test_a_pyproject_that_is_a_folder_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path)


def test_override_replaces_what_was_given(tmp_path: Path) -> None:
    settings = override(Settings(ignore=("POL114",)), select=["POL1"], fail_on="error", jobs=None)
    assert settings == Settings(select=("POL1",), ignore=("POL114",), fail_on="error")
    with pytest.raises(TypeError, match="not a setting: sellect"):
        override(Settings(), sellect=["POL1"])


def test_the_keys_describe_the_settings() -> None:
    by_name = {name: default for name, default in Settings._field_defaults.items() if name != "source"}
    assert {key.attribute: key.default for key in SETTINGS_KEYS} == by_name
    for key in SETTINGS_KEYS:
        assert key.help.endswith("."), key.name
        assert not key.choices or key.default in key.choices


def test_toml_is_not_imported_for_a_pyproject_that_does_not_speak_about_poollint(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    program = (
        "import sys; from pathlib import Path; from poollint.config import load_settings\n"
        f"load_settings(Path({str(tmp_path)!r}))\n"
        "print(sorted({'tomllib', 'tomli', 'difflib'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
