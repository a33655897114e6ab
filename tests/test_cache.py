"""The cache folder: it keeps what it was given, ignores what is damaged, and gets in nobody's way."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poollint.cache import FOLDER, CacheDirectory

DAY = 86_400


@pytest.fixture
def cache(tmp_path: Path) -> CacheDirectory:
    return CacheDirectory(tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_what_was_written_is_read(cache: CacheDirectory, payload: bytes) -> None:
    assert cache.write("facts", payload)
    assert cache.read("facts") == payload
    assert CacheDirectory(cache.path.parent).read("facts") == payload


def test_nothing_is_made_before_something_is_written(cache: CacheDirectory) -> None:
    assert cache.read("facts") is None
    assert cache.clear() == 0
    assert cache.expire() == 0
    assert not cache.path.exists()


def test_the_folder_says_what_it_is(cache: CacheDirectory) -> None:
    cache.write("facts", b"1")
    assert cache.path.name == FOLDER == ".poollint_cache"
    assert (cache.path / "CACHEDIR.TAG").read_bytes().startswith(b"Signature: 8a477f597d28d172789f06886806bc55\n")
    assert (cache.path / ".gitignore").read_text() == "*\n"
    assert sorted(file.name for file in cache.path.iterdir()) == [".gitignore", "CACHEDIR.TAG", "facts"]


def test_a_damaged_or_foreign_entry_is_ignored(cache: CacheDirectory) -> None:
    cache.write("facts", b"payload")
    file = cache.path / "facts"
    whole = file.read_bytes()
    damaged = [b"", b"foreign", whole[:-1], whole + b"x", whole.replace(b"payload", b"paXload"), b"X" + whole[1:]]
    for data in damaged:
        file.write_bytes(data)
        assert cache.read("facts") is None
    file.unlink()
    file.mkdir()
    assert cache.read("facts") is None
    assert not cache.write("facts", b"new")
    assert sorted(entry.name for entry in cache.path.iterdir()) == [".gitignore", "CACHEDIR.TAG", "facts"]


def test_without_a_root_or_with_a_file_in_the_way_nothing_is_kept(tmp_path: Path) -> None:
    missing = CacheDirectory(tmp_path / "nowhere")
    assert not missing.write("facts", b"1")
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / FOLDER).write_text("a file")
    blocked = CacheDirectory(tmp_path)
    assert not blocked.write("facts", b"1")
    assert blocked.read("facts") is None
    assert (blocked.clear(), blocked.expire()) == (0, 0)
    with blocked.lock("facts") as held:
        assert not held


def test_a_read_only_folder_is_no_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        if os.access(tmp_path, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            pytest.skip("this user may write everywhere")
        assert not CacheDirectory(tmp_path).write("facts", b"1")
        with CacheDirectory(tmp_path).lock("facts") as held:
            assert not held
    finally:
        tmp_path.chmod(0o755)


def test_a_link_does_not_lead_writes_elsewhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "CACHEDIR.TAG").write_text("")
    (elsewhere / "precious").write_text("")
    root = tmp_path / "root"
    root.mkdir()
    (root / FOLDER).symlink_to(elsewhere, target_is_directory=True)
    cache = CacheDirectory(root)
    assert not cache.write("facts", b"1")
    assert cache.clear() == 0
    assert (elsewhere / "precious").exists()


def test_a_folder_without_our_tag_is_not_cleared(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "precious").write_text("")
    assert CacheDirectory(tmp_path).clear() == 0
    assert (tmp_path / FOLDER / "precious").exists()


def test_clear_removes_the_folder_and_it_can_be_used_again(cache: CacheDirectory) -> None:
    cache.write("facts", b"1")
    cache.write("listing", b"2")
    assert cache.clear() == 2
    assert not cache.path.exists()
    assert cache.write("facts", b"3")
    assert cache.read("facts") == b"3"


def test_what_was_not_used_for_two_weeks_expires(cache: CacheDirectory) -> None:
    for name, days in (("old", 20), ("young", 3), ("left-over.1.part", 20)):
        cache.write(name, b"1")
        os.utime(cache.path / name, (time.time() - days * DAY,) * 2)
    assert cache.expire() == 2
    assert cache.read("young") == b"1"
    assert (cache.path / "CACHEDIR.TAG").exists()


def test_reading_counts_as_use(cache: CacheDirectory) -> None:
    cache.write("facts", b"1")
    os.utime(cache.path / "facts", (time.time() - 20 * DAY,) * 2)
    assert cache.read("facts") == b"1"
    assert cache.expire() == 0


def test_an_interrupted_write_leaves_the_old_entry(cache: CacheDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.write("facts", b"old")

    def interrupted(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cache.write("facts", b"new")
    monkeypatch.undo()
    assert cache.read("facts") == b"old"
    assert not [file for file in cache.path.iterdir() if file.suffix == ".part"]


def test_a_full_disk_is_no_error(cache: CacheDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.write("facts", b"old")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert not cache.write("facts", b"new")
    assert cache.read("facts") == b"old"


def test_a_lock_is_held_by_one_at_a_time(cache: CacheDirectory) -> None:
    with cache.lock("facts") as first:
        assert first
        with cache.lock("facts", timeout=0.01) as second:
            assert not second
        with cache.lock("other", timeout=0.01) as other:
            assert other
    with cache.lock("facts", timeout=0.01) as again:
        assert again


def test_a_lock_ends_with_its_process(cache: CacheDirectory) -> None:
    program = (
        "import os, sys; from pathlib import Path; from poollint.cache import CacheDirectory\n"
        f"lock = CacheDirectory(Path({str(cache.path.parent)!r})).lock('facts')\n"
        "assert lock.__enter__()\nos._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    with cache.lock("facts", timeout=0.5) as held:
        assert held


def test_writers_in_parallel_leave_one_whole_entry(cache: CacheDirectory) -> None:
    program = (
        "import sys; from pathlib import Path; from poollint.cache import CacheDirectory\n"
        f"cache = CacheDirectory(Path({str(cache.path.parent)!r}))\n"
        "for _ in range(30):\n"
        "    cache.write('facts', sys.argv[1].encode() * 50_000)\n"
        "    payload = cache.read('facts')\n"
        "    assert payload is not None and len(set(payload)) == 1, payload"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, letter]) for letter in "ab"]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert sorted(file.name for file in cache.path.iterdir()) == [".gitignore", "CACHEDIR.TAG", "facts"]
