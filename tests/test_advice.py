"""What is told to do about an engine: it can be done, and the title of the suggestion says the same."""

from __future__ import annotations

import programs
import pytest

from poollint.rules.engine.wording import LONGEST, keep_once, remedy_title, sentence, short_name

HEAD = "from sqlalchemy import create_engine\nfrom flask import current_app\nimport os\nURL = None\nSET = 'x://db'\n"
LATER = "create it on first use and keep it by its URL"
AT_IMPORT = "create it once at import"


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        ("create_engine(URL)", LATER),
        ("create_engine('x://{}'.format(URL))", LATER),
        ("url = current_app.config['URL']; create_engine(url)", LATER),
        ("user, url = 'app', f\"x://{current_app.config.get('HOST')}/db\"; create_engine(url)", LATER),
        ("create_engine(SET)", AT_IMPORT),
        ("url = os.environ['URL']; create_engine(url)", AT_IMPORT),
        ("url = 'x://db'; create_engine(url + '/app')", AT_IMPORT),
        ("create_engine(computed())", AT_IMPORT),
        ("create_engine(argument)", "keep one per URL, or use NullPool and dispose of it"),
    ],
)
def test_what_is_not_known_at_import_is_not_made_there(body: str, advice: str) -> None:
    text = f"{HEAD}def set_up(url):\n    global URL\n    URL = url\n\ndef make(argument):\n    {body}.connect()\n"
    (site,) = programs.sites(text)
    assert keep_once(site) == advice
    assert remedy_title(site).lower().split()[0] == advice.split()[0]
    assert " it once" not in remedy_title(site)


@pytest.mark.parametrize(
    ("name", "length", "short"),
    [
        ("async_session_context_factory()", 27, "async_session_context…()"),
        ("AsyncSessionContextFactory()", 24, "AsyncSessionContext…()"),
        ("create_engine()", 15, "create_engine()"),
        ("testconnectiontoeverything()", 20, "testconnectiontoe…()"),
    ],
)
def test_a_name_is_cut_behind_a_word(name: str, length: int, short: str) -> None:
    assert short_name(name, length) == short


def test_names_of_the_library_are_never_cut() -> None:
    name = "a_function_with_a_name_of_many_words_that_go_on()"
    text = sentence(
        f"each call of {name} runs create_async_engine(), dispose() is skipped when line 737 returns", "", "x" * 22
    )
    assert "create_async_engine()" in text
    assert len(text) <= LONGEST
    assert "a_function_with" in text


def test_a_loop_of_its_own_is_told_where_the_chain_has_one() -> None:
    make = "from sqlalchemy.ext.asyncio import create_async_engine\nimport asyncio\n"
    make += "async def make():\n    create_async_engine('x://db').connect()\n"
    loops = "def work(_):\n    asyncio.run(make())\nfrom threading import Thread\n"
    loops += "for number in range(9):\n    Thread(target=work, args=(number,)).start()\n"
    (site,) = programs.sites(make + loops)
    assert keep_once(site) == "use NullPool and dispose of it in the same loop"
    web = "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\nasync def index():\n    await make()\n"
    (site,) = programs.sites(make + web + "def upgrade():\n    asyncio.run(make())\nupgrade()\n")
    assert keep_once(site) == "keep one for each event loop"
