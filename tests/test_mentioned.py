"""Functions as the bytes of a file tell of them: what is called in them, and what waits."""

from __future__ import annotations

import pytest

from poollint.program.holding.mentioned import functions_given, functions_mentioning, renamed, words_bound_from

HANDLER = b"""
from helpers import fetch as get_it

async def create(
    item: Item,
    db: Session = Depends(get_db),  # one for each request
) -> Item:
    db.execute(query)
    def inner():
        return client.orders.fetch(item)
    return inner()

def other(item: Item): return fetch(item)

def short(db=Depends(get_db)): return fetch(db)
"""


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_functions_with_a_word_in_their_signature(ending: bytes) -> None:
    data = HANDLER.replace(b"\n", ending)
    texts = {text.name: text for text in functions_given(data, frozenset({b"Depends"}))}
    assert set(texts) == {b"create", b"short"}
    assert texts[b"create"].parameters(frozenset({b"Session"})) == {b"db"}
    assert list(texts[b"create"].callers(b"execute")) == [b"db"]
    assert list(texts[b"create"].callers(b"fetch")) == [b"client"]
    assert list(texts[b"create"].callers(b"Depends")) == []
    assert list(texts[b"short"].callers(b"fetch")) == [b""]


@pytest.mark.parametrize(
    "text",
    [
        b"import requests\ndef f():\n    requests.get(url)",
        b"import requests as http\ndef f():\n    http.get(url)",
        b"from requests import get\ndef f():\n    get(url)",
        b"from requests import (\n    get,\n)\ndef f():\n    get(url)",
        b"import time\ndef f():\n    time.sleep(9)",
        b"from time import sleep as nap\ndef f():\n    nap(9)",
        b"def f():\n    import requests\n    requests.get(url)",
    ],
)
def test_functions_that_mention_what_waits(text: bytes) -> None:
    assert functions_mentioning(text, [b"requests"], [b"sleep"]) == {b"f"}


@pytest.mark.parametrize(
    "text",
    [
        b"def f():\n    requests.append(1)",
        b"def f():\n    '''Does not sleep.'''",
        b"import requests\ndef f():\n    return 1",
        b"requests = 1\ndef sleepy():\n    pass",
    ],
)
def test_words_that_only_look_alike(text: bytes) -> None:
    assert functions_mentioning(text, [b"requests"], [b"sleep"]) == frozenset()


def test_names_that_imports_bind() -> None:
    assert words_bound_from(HANDLER, frozenset({b"helpers"})) >= {b"fetch", b"get_it"}
    assert renamed(HANDLER, frozenset({b"fetch"})) == {b"get_it"}
