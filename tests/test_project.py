"""Which files of a program contain what is looked for."""

from __future__ import annotations

from poollint.program.project import Project

FILES = {
    "call.py": b"engine = sa.create_engine(url)\n",
    "longer.py": b"engine = create_engine_for(url)\n",
    "phrase.py": b"from databases import Database\n",
    "apart.py": b"# taken from the list of databases\n",
    "text.py": 'x = "größe"\n'.encode(),
    "nothing.py": b"",
}


def project(everything: bool = False) -> Project:
    return Project(tuple(FILES), FILES.__getitem__, everything=everything)


def test_a_marker_of_one_word_is_a_whole_word() -> None:
    assert project().marked([b"create_engine"]) == ["call.py"]


def test_a_marker_of_several_words_stands_as_it_is_written() -> None:
    assert project().marked([b"from databases", b"create_engine"]) == ["call.py", "phrase.py"]


def test_a_marker_that_is_not_ascii_is_looked_for_as_bytes() -> None:
    assert project().marked(["größe".encode()]) == ["text.py"]


def test_everything_is_looked_for_as_bytes() -> None:
    assert project(everything=True).marked([b"create_engine"]) == ["call.py", "longer.py"]


def test_containing_looks_into_the_given_files_alone() -> None:
    assert project().containing([b"engine"]) == ["call.py", "longer.py"]
    assert project().containing([b"engine"], ["longer.py", "nothing.py"]) == ["longer.py"]


def test_some_file_holds_a_marker() -> None:
    assert project().holds([b"nowhere", b"databases"])
    assert not project().holds([b"nowhere"])
