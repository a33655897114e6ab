"""Which root a file belongs to, which files a root has, and how cheaply a change is noticed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poollint.config import Settings
from poollint.workspace.ignore import IgnoreFile
from poollint.workspace.listing import (
    DANGLING_LINK,
    EXCLUDED,
    GITIGNORED,
    NESTED_ROOT,
    NEVER_READ,
    OUTSIDE_LINK,
    UNREADABLE,
    VIRTUAL_ENVIRONMENT,
    Listing,
    is_excluded,
    list_files,
    listing_unchanged,
    refreshed,
)
from poollint.workspace.roots import RootFinder, root_of

CONFIGURED = "[tool.poollint]\n"
PLAIN = "[project]\nname = 'x'\n"


def tree(root: Path, files: dict[str, str]) -> Path:
    """Write files (path to text) below `root`."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def listed(root: Path, settings: Settings | None = None) -> list[str]:
    return [entry.path for entry in list_files(root, settings or Settings()).files]


class TestRoots:
    def test_the_nearest_configured_folder_wins_over_nearer_projects(self, tmp_path: Path) -> None:
        tree(tmp_path, {"pyproject.toml": CONFIGURED, "libs/a/pyproject.toml": PLAIN, "libs/a/app.py": ""})
        assert root_of(tmp_path / "libs/a/app.py") == tmp_path

    def test_a_nested_configured_folder_is_its_own_root(self, tmp_path: Path) -> None:
        tree(tmp_path, {"pyproject.toml": CONFIGURED, "libs/a/pyproject.toml": CONFIGURED, "libs/a/x/app.py": ""})
        assert root_of(tmp_path / "libs/a/x/app.py") == tmp_path / "libs/a"

    @pytest.mark.parametrize("source", ["libs/a", "libs/a/x"])
    def test_unless_the_outer_one_lists_it_in_src(self, tmp_path: Path, source: str) -> None:
        outer = f"[tool.poollint]\nsrc = ['src', '{source}']\n"
        tree(tmp_path, {"pyproject.toml": outer, "libs/a/pyproject.toml": CONFIGURED, "libs/a/x/app.py": ""})
        assert root_of(tmp_path / "libs/a/x/app.py") == tmp_path
        assert listed(tmp_path, Settings(src=("src", source))) == ["libs/a/x/app.py"]

    @pytest.mark.parametrize(
        "workspace",
        [
            "[tool.uv.workspace]\nmembers = ['libs/*']\n",
            "[tool.uv.workspace]\nmembers = ['libs/**']\nexclude = ['libs/b']\n",
            "[tool.rye.workspace]\nmembers = ['./libs/a/']\n",
            "[tool.hatch.workspace]\nmembers = ['libs/*']\n",
            "[tool.hatch.envs.default]\nworkspace.members = [{path = 'libs/a'}]\n",
            "[tool.poetry.workspace]\ninclude = ['libs/*']\n",
        ],
    )
    def test_members_of_a_workspace_belong_to_it(self, tmp_path: Path, workspace: str) -> None:
        tree(tmp_path, {"pyproject.toml": workspace, "libs/a/pyproject.toml": PLAIN, "libs/a/src/a/x.py": ""})
        tree(tmp_path, {"tools/pyproject.toml": PLAIN, "tools/x.py": ""})
        assert root_of(tmp_path / "libs/a/src/a/x.py") == tmp_path
        assert root_of(tmp_path / "tools/x.py") == tmp_path / "tools"
        assert listed(tmp_path) == ["libs/a/src/a/x.py"]

    def test_an_excluded_member_is_its_own_root(self, tmp_path: Path) -> None:
        workspace = "[tool.uv.workspace]\nmembers = ['libs/*']\nexclude = ['libs/old*']\n"
        tree(tmp_path, {"pyproject.toml": workspace, "libs/old1/setup.py": "", "libs/old1/x.py": ""})
        assert root_of(tmp_path / "libs/old1/x.py") == tmp_path / "libs/old1"

    @pytest.mark.parametrize("marker", ["pyproject.toml", "setup.cfg", "setup.py", ".git/HEAD"])
    def test_else_the_nearest_project(self, tmp_path: Path, marker: str) -> None:
        tree(tmp_path, {"pyproject.toml": PLAIN, f"a/{marker}": "", "a/pkg/__init__.py": "", "a/pkg/x.py": ""})
        assert root_of(tmp_path / "a/pkg/x.py") == tmp_path / "a"
        assert root_of(tmp_path / "a") == tmp_path / "a"
        assert listed(tmp_path) == []

    def test_else_the_folder_that_the_package_is_imported_from(self, tmp_path: Path) -> None:
        tree(tmp_path, {"lib/pkg/__init__.py": "", "lib/pkg/sub/__init__.py": "", "lib/pkg/sub/x.py": ""})
        assert root_of(tmp_path / "lib/pkg/sub/x.py") == tmp_path / "lib"
        assert root_of(tmp_path / "lib/alone.py") == tmp_path / "lib"

    def test_a_file_that_does_not_exist_yet_has_a_root(self, tmp_path: Path) -> None:
        tree(tmp_path, {"pyproject.toml": PLAIN})
        assert root_of(tmp_path / "new/folder/x.py") == tmp_path

    def test_a_relative_path_starts_at_the_working_directory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tree(tmp_path, {"pyproject.toml": PLAIN, "pkg/x.py": ""})
        monkeypatch.chdir(tmp_path / "pkg")
        assert root_of(Path("x.py")) == root_of(Path("../pkg/./x.py")) == tmp_path

    @pytest.mark.parametrize(("text", "own"), [("[tool.poollint\n", True), ("# poollint\n[tool\n", False)])
    def test_broken_toml_is_a_root_when_it_means_to_be_configured(self, tmp_path: Path, text: str, own: bool) -> None:
        tree(tmp_path, {"pyproject.toml": CONFIGURED, "a/pyproject.toml": text, "a/x.py": ""})
        assert root_of(tmp_path / "a/x.py") == (tmp_path / "a" if own else tmp_path)

    def test_a_finder_reads_each_pyproject_once(self, tmp_path: Path) -> None:
        tree(tmp_path, {"pyproject.toml": CONFIGURED, "a/x.py": "", "a/b/y.py": ""})
        finder = RootFinder()
        assert finder.root_of(tmp_path / "a/x.py") == tmp_path
        (tmp_path / "pyproject.toml").unlink()
        assert finder.root_of(tmp_path / "a/b/y.py") == tmp_path


class TestListing:
    def test_python_files_manifests_and_notebooks_in_order(self, tmp_path: Path) -> None:
        tree(tmp_path, {"pyproject.toml": CONFIGURED, "b.py": "x = 1\n", "a/c.py": "", "a/setup.cfg": "", "z.pyi": ""})
        tree(tmp_path, {"n.ipynb": "{}", "readme.md": "", "a.py": ""})
        listing = list_files(tmp_path, Settings())
        assert [entry.path for entry in listing.files] == ["a.py", "a/c.py", "b.py"]
        assert [entry.path for entry in listing.manifests] == ["a/setup.cfg", "pyproject.toml"]
        assert listing.notebooks == ("n.ipynb",)
        assert [path for path, _ in listing.directories] == ["", "a"]
        assert listing.skipped == ()
        status = (tmp_path / "b.py").stat()
        entry = listing.files[-1]
        assert (entry.size, entry.mtime_ns, entry.ctime_ns, entry.inode) == (
            6,
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_ino,
        )

    def test_files_near_the_root_that_tell_versions(self, tmp_path: Path) -> None:
        told = ["uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock", "requirements-dev.txt"]
        told += ["constraints.txt", "requirements/base.txt", "pkg-1.dist-info/METADATA"]
        silent = ["Pipfile", "notes.txt", "METADATA", "requirements.in", "requirements/in/base.txt", "a/uv.lock"]
        silent += ["a/requirements.txt", "a/b.dist-info/METADATA", "requirements/readme.md", "pkg-1.dist-info/RECORD"]
        tree(tmp_path, {"pyproject.toml": CONFIGURED, **dict.fromkeys((*told, *silent), "")})
        tree(tmp_path, {"requirements/x.py": "", "requirements/old.txt": "", "requirements/.gitignore": "old.txt"})
        listing = list_files(tmp_path, Settings())
        assert [entry.path for entry in listing.manifests] == sorted([*told, "pyproject.toml"])
        assert [entry.path for entry in listing.files] == ["requirements/x.py"]

    def test_installed_and_generated_folders_are_never_read(self, tmp_path: Path) -> None:
        folders = [".git", ".tox", "node_modules", "__pycache__", ".venv", "lib/site-packages", ".poollint_cache"]
        tree(tmp_path, {"pyproject.toml": PLAIN, **{f"{folder}/x.py": "" for folder in folders}, "x.py": ""})
        tree(tmp_path, {"env311/pyvenv.cfg": "", "env311/lib/x.py": ""})
        listing = list_files(tmp_path, Settings())
        assert [entry.path for entry in listing.files] == ["x.py"]
        assert dict(listing.skipped) == {
            **dict.fromkeys(folders, NEVER_READ),
            "env311": VIRTUAL_ENVIRONMENT,
        }

    def test_nested_roots_are_programs_of_their_own(self, tmp_path: Path) -> None:
        tree(tmp_path, {"pyproject.toml": PLAIN, "x.py": "", "plugin/setup.py": "", "plugin/src/p.py": ""})
        tree(tmp_path, {"submodule/.git": "gitdir: ..", "submodule/s.py": ""})
        listing = list_files(tmp_path, Settings())
        assert [entry.path for entry in listing.files] == ["x.py"]
        assert listing.nested_roots() == ("plugin", "submodule")
        assert listed(tmp_path / "plugin") == ["setup.py", "src/p.py"]

    def test_a_configured_root_owns_the_projects_below_it(self, tmp_path: Path) -> None:
        tree(tmp_path, {"pyproject.toml": CONFIGURED, "plugin/setup.py": "", "own/pyproject.toml": CONFIGURED})
        listing = list_files(tmp_path, Settings())
        assert [entry.path for entry in listing.files] == ["plugin/setup.py"]
        assert listing.skipped == (("own", NESTED_ROOT),)

    @pytest.mark.parametrize("outer", [PLAIN, CONFIGURED, "[tool.uv.workspace]\nmembers = ['a', 'b/*']\n"])
    def test_a_file_is_in_the_listing_of_its_root_and_in_no_other(self, tmp_path: Path, outer: str) -> None:
        paths = ["x.py", "a/x.py", "a/c/x.py", "b/d/x.py", "b/d/e/x.py", "f/g/x.py", "f/__init__.py"]
        tree(tmp_path, {"pyproject.toml": outer, **dict.fromkeys(paths, "")})
        tree(tmp_path, {"a/pyproject.toml": PLAIN, "b/d/setup.py": "", "b/d/e/pyproject.toml": CONFIGURED})
        tree(tmp_path, {"f/g/setup.cfg": ""})
        roots = {root_of(tmp_path / path) for path in paths}
        for path in paths:
            holders = {root for root in roots if (tmp_path / path) in {root / name for name in listed(root)}}
            assert holders == {root_of(tmp_path / path)}, path

    def test_without_any_project_each_package_stands_alone(self, tmp_path: Path) -> None:
        tree(tmp_path, {"x.py": "", "pkg/__init__.py": "", "pkg/y.py": "", "scripts/z.py": ""})
        listing = list_files(tmp_path, Settings())
        assert [entry.path for entry in listing.files] == ["pkg/__init__.py", "pkg/y.py", "x.py"]
        assert listing.nested_roots() == ("scripts",)

    def test_exclude_takes_patterns_as_in_gitignore(self, tmp_path: Path) -> None:
        tree(tmp_path, {"pyproject.toml": PLAIN, "x_pb2.py": "", "build/x.py": "", "a/build/x.py": "", "a/x.py": ""})
        settings = Settings(exclude=("*_pb2.py", "/build", "n.ipynb"))
        tree(tmp_path, {"n.ipynb": ""})
        listing = list_files(tmp_path, settings)
        assert [entry.path for entry in listing.files] == ["a/build/x.py", "a/x.py"]
        assert listing.skipped == (("build", EXCLUDED), ("n.ipynb", EXCLUDED), ("x_pb2.py", EXCLUDED))
        assert listing.notebooks == ()
        assert is_excluded(settings, "build/deep/x.py")
        assert is_excluded(settings, "a/x_pb2.py")
        assert not is_excluded(settings, "a/build/x.py")

    def test_gitignore_files_are_honoured_as_git_does(self, tmp_path: Path) -> None:
        tree(
            tmp_path,
            {
                "pyproject.toml": PLAIN,
                ".gitignore": "*.gen.py\n/out/\n!keep.gen.py\n",
                "a.gen.py": "",
                "keep.gen.py": "",
                "out/x.py": "",
                "pkg/out/x.py": "",
                "pkg/.gitignore": "!b.gen.py\nlocal.py\n",
                "pkg/b.gen.py": "",
                "pkg/local.py": "",
                "local.py": "",
            },
        )
        listing = list_files(tmp_path, Settings())
        assert [entry.path for entry in listing.files] == ["keep.gen.py", "local.py", "pkg/b.gen.py", "pkg/out/x.py"]
        assert dict(listing.skipped) == dict.fromkeys(["a.gen.py", "out", "pkg/local.py"], GITIGNORED)
        assert len(listed(tmp_path, Settings(respect_gitignore=False))) == 7

    def test_ignore_files_above_the_root_count_inside_of_a_git_work_tree(self, tmp_path: Path) -> None:
        tree(tmp_path, {".git/info/exclude": "secret.py\n", ".gitignore": "/svc/gen\n*.tmp.py\n"})
        tree(tmp_path, {"svc/pyproject.toml": PLAIN, "svc/x.py": "", "svc/secret.py": "", "svc/gen/x.py": ""})
        tree(tmp_path, {"svc/y.tmp.py": ""})
        assert listed(tmp_path / "svc") == ["x.py"]
        (tmp_path / ".git/info/exclude").unlink()
        (tmp_path / ".git/info").rmdir()
        (tmp_path / ".git").rmdir()
        assert listed(tmp_path / "svc") == ["gen/x.py", "secret.py", "x.py", "y.tmp.py"]

    def test_a_root_that_is_itself_ignored_is_listed_all_the_same(self, tmp_path: Path) -> None:
        tree(
            tmp_path, {".git/HEAD": "", ".gitignore": "work/\n", "work/svc/pyproject.toml": PLAIN, "work/svc/x.py": ""}
        )
        assert listed(tmp_path / "work/svc") == ["x.py"]

    def test_links_are_noted_and_never_read_twice(self, tmp_path: Path) -> None:
        root = tree(tmp_path / "root", {"pyproject.toml": PLAIN, "pkg/x.py": ""})
        tree(tmp_path / "outside", {"y.py": ""})
        (root / "alias").symlink_to(root / "pkg", target_is_directory=True)
        (root / "alias.py").symlink_to(root / "pkg/x.py")
        (root / "pkg/loop").symlink_to(root, target_is_directory=True)
        (root / "out").symlink_to(tmp_path / "outside", target_is_directory=True)
        (root / "out.py").symlink_to(tmp_path / "outside/y.py")
        (root / "gone.py").symlink_to(root / "nowhere.py")
        (root / "self.py").symlink_to(root / "self.py")
        listing = list_files(root, Settings())
        assert [entry.path for entry in listing.files] == ["pkg/x.py"]
        assert listing.links == (("alias", "pkg"), ("alias.py", "pkg/x.py"), ("pkg/loop", "."))
        assert dict(listing.skipped) == {
            "out": OUTSIDE_LINK,
            "out.py": OUTSIDE_LINK,
            "gone.py": DANGLING_LINK,
            "self.py": DANGLING_LINK,
        }

    def test_a_root_that_is_reached_through_a_link_is_read(self, tmp_path: Path) -> None:
        tree(tmp_path / "real", {"pyproject.toml": PLAIN, "x.py": ""})
        (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
        (tmp_path / "real/alias.py").symlink_to("x.py")
        listing = list_files(tmp_path / "link", Settings())
        assert listing.root == tmp_path / "link"
        assert [entry.path for entry in listing.files] == ["x.py"]
        assert listing.links == (("alias.py", "x.py"),)

    def test_a_missing_root_is_unreadable(self, tmp_path: Path) -> None:
        listing = list_files(tmp_path / "nowhere", Settings())
        assert (listing.files, listing.skipped) == ((), (("", UNREADABLE),))

    def test_an_unreadable_folder_is_skipped(self, tmp_path: Path) -> None:
        tree(tmp_path, {"pyproject.toml": PLAIN, "closed/x.py": ""})
        (tmp_path / "closed").chmod(0)
        try:
            if os.access(tmp_path / "closed", os.R_OK, effective_ids=os.access in os.supports_effective_ids):
                pytest.skip("this user may read everything")
            assert list_files(tmp_path, Settings()).skipped == (("closed", UNREADABLE),)
        finally:
            (tmp_path / "closed").chmod(0o755)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
    def test_a_pipe_is_no_file(self, tmp_path: Path) -> None:
        tree(tmp_path, {"pyproject.toml": PLAIN})
        os.mkfifo(tmp_path / "pipe.py")
        assert listed(tmp_path) == []

    def test_names_that_are_no_utf8_do_no_harm(self, tmp_path: Path) -> None:
        tree(tmp_path, {"pyproject.toml": PLAIN, ".gitignore": "*.gen.py\n"})
        try:
            (tmp_path / os.fsdecode(b"\xff.py")).write_text("")
        except OSError:
            pytest.skip("the file system does not take such names")
        assert listed(tmp_path) == [os.fsdecode(b"\xff.py")]


def aged(root: Path) -> None:
    """Make everything below `root` an hour old, as far as a program can: the time of change (ctime) stays."""
    for path in [root, *root.rglob("*")]:
        status = path.stat()
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - 3_600_000_000_000))


def later(listing: Listing) -> Listing:
    """The listing as if it had been taken a minute later, so that everything in it had settled."""
    return listing._replace(taken_ns=listing.taken_ns + 60_000_000_000)


class TestChanges:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        files = {"pyproject.toml": PLAIN, ".gitignore": "gen\n", "x.py": "x = 1\n", "pkg/y.py": "", "in/setup.py": ""}
        tree(tmp_path, {**files, "in/pyproject.toml": PLAIN})
        aged(tmp_path)
        return tmp_path

    def test_nothing_changed(self, root: Path) -> None:
        listing = later(list_files(root, Settings()))
        assert listing_unchanged(listing)
        again = refreshed(listing)
        assert again is not None
        assert (again.files, again.directories) == (listing.files, listing.directories)

    def test_what_is_younger_than_two_seconds_is_in_doubt(self, root: Path) -> None:
        assert not listing_unchanged(list_files(root, Settings()))

    @pytest.mark.parametrize("text", ["x = 2\n", "x = 1\ny = 2\n"])
    def test_a_changed_file_is_seen_without_a_walk(self, root: Path, text: str) -> None:
        listing = later(list_files(root, Settings()))
        (root / "x.py").write_text(text)
        assert not listing_unchanged(listing)
        again = refreshed(listing)
        assert again is not None
        assert [entry.path for entry in again.files] == ["pkg/y.py", "x.py"]
        assert again.files[0] == listing.files[0]
        assert again.files[1] != listing.files[1]

    def test_the_same_size_and_time_in_another_file_is_a_change(self, root: Path) -> None:
        listing = later(list_files(root, Settings()))
        status = (root / "x.py").stat()
        (root / "new").write_text("x = 9\n")
        os.utime(root / "new", ns=(status.st_atime_ns, status.st_mtime_ns))
        folder = root.stat()
        (root / "new").replace(root / "x.py")
        os.utime(root, ns=(folder.st_atime_ns, listing.directories[0][1]))
        assert not listing_unchanged(listing)

    @pytest.mark.parametrize(
        "change",
        [
            lambda root: (root / "z.py").write_text(""),
            lambda root: (root / "pkg/y.py").unlink(),
            lambda root: (root / "x.py").rename(root / "w.py"),
            lambda root: (root / "new").mkdir(),
            lambda root: (root / ".gitignore").write_text("x.py\n"),
            lambda root: (root / "pyproject.toml").write_text(CONFIGURED),
            lambda root: (root / "in/pyproject.toml").write_text(CONFIGURED),
            lambda root: (root / "in/setup.py").rename(root / "in/other.py"),
            lambda root: shutil.rmtree(root),
        ],
        ids=["added", "removed", "renamed", "folder", "gitignore", "configuration", "nested", "inside", "everything"],
    )
    def test_a_change_of_the_tree_needs_a_walk(self, root: Path, change: object) -> None:
        listing = later(list_files(root, Settings()))
        change(root)  # type: ignore[operator]
        assert not listing_unchanged(listing)
        assert refreshed(listing) is None


class TestIgnorePatterns:
    @pytest.mark.parametrize(
        ("pattern", "path", "left_out"),
        [
            ("*.py", "a/b.py", True),
            ("b.py", "a/b.py", True),
            ("/b.py", "a/b.py", False),
            ("a/b.py", "x/a/b.py", False),
            ("**/a/b.py", "x/a/b.py", True),
            ("a/**/b.py", "a/b.py", True),
            ("a/**/b.py", "a/x/y/b.py", True),
            ("a/**", "a/b.py", True),
            ("a/", "a", False),
            ("a/", "a/b.py", True),
            ("a*c", "abc/x.py", True),
            ("a/*/c", "a/b/x/c", False),
            ("[ab].py", "b.py", True),
            ("[!ab].py", "b.py", False),
            ("[a-", "a", False),
            ("[z-a].py", "b.py", False),
            ("?.py", "b.py", True),
            ("\\#x.py", "#x.py", True),
            ("\\!x.py", "!x.py", True),
            ("# x.py", "# x.py", False),
            ("x.py  ", "x.py", True),
            ("x\\ ", "x ", True),
            ("x /", "x /y", True),
            ("x\\ /", "x /y", True),
            ("x /", "x/y", False),
            (" x", "x", False),
            ("x.py\r", "x.py", True),
            ("x.p\\y", "x.py", True),
            ("x.py\\", "x.py", False),
        ],
    )
    def test_one_pattern(self, pattern: str, path: str, left_out: bool) -> None:
        assert IgnoreFile([pattern]).leaves_out(path) is left_out

    def test_the_last_match_decides(self) -> None:
        ignore = IgnoreFile(["*.py", "!keep.py", "/a/keep.py"])
        assert not ignore.leaves_out("keep.py")
        assert ignore.leaves_out("a/keep.py")

    def test_nothing_comes_back_below_a_folder_that_is_left_out(self) -> None:
        assert IgnoreFile(["a/", "!a/keep.py"]).leaves_out("a/keep.py")

    @pytest.mark.parametrize("bad", ["[z-a]", "!", "//", "[", "a\\", "[[:digit:]]", "\udc80", "\0"])
    def test_a_bad_pattern_does_not_spoil_the_others(self, bad: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert IgnoreFile([bad, "x.py", bad]).leaves_out("x.py")

    def test_a_pattern_for_a_folder_says_nothing_about_what_lies_below_it(self) -> None:
        ignore = IgnoreFile(["*", "!a/", "!*.py"])
        assert not ignore.leaves_out("a/b.py")
        assert ignore.leaves_out("a/b.txt")
        assert ignore.leaves_out("b/b.py")
        assert IgnoreFile(["!a/"]).decide("a/b.py", False) is None


def means_the_same_to_pathspec(line: str) -> bool:
    """Whether git and pathspec agree on a pattern: not on a backslash or slash inside of brackets."""
    return bool(line.strip()) and not re.search(r"\[.*[\\/]", line)


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    st.lists(
        st.text(alphabet=st.sampled_from("ab.*?/![]-\\ #"), min_size=1, max_size=7).filter(means_the_same_to_pathspec),
        min_size=1,
        max_size=4,
    )
)
def test_patterns_mean_what_they_mean_to_git(tmp_path: Path, patterns: list[str]) -> None:
    if not (tmp_path / ".git").exists():
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
        tree(
            tmp_path,
            dict.fromkeys(["a", "b", "ab", "a.b", "-", "#a", "!b", "d/a", "d/b", "d/a.b", "d/e/a", "d/e/ab"], ""),
        )
    (tmp_path / ".gitignore").write_text("\n".join(patterns) + "\n")
    paths = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if ".git" not in path.parts[-2:]]
    paths = sorted(path for path in paths if not path.startswith(".git"))
    run = subprocess.run(
        ["git", "-c", "core.quotePath=false", "check-ignore", "--no-index", "--stdin", "-z"],
        cwd=tmp_path,
        input="\0".join(paths),
        capture_output=True,
        text=True,
        check=False,
    )
    expected = set(filter(None, run.stdout.split("\0")))
    ignore = IgnoreFile(patterns)
    assert {path for path in paths if ignore.leaves_out(path, (tmp_path / path).is_dir())} == expected
