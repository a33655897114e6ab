"""The reasoning layer as a whole: what happens when a part of it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from poollint.check import CheckOptions, check


def test_an_analysis_that_fails_on_one_site_reports_it_and_the_rest(tmp_path, monkeypatch):
    from poollint.program.engines import Engines

    real = Engines.site

    def site(self, acquisition):
        if acquisition.path == "broken.py":
            raise ValueError("boom")
        return real(self, acquisition)

    monkeypatch.setattr(Engines, "site", site)
    text = (
        "from sqlalchemy import create_engine\n\n\ndef f(rows):\n    for row in rows:\n        create_engine('x://')\n"
    )
    for name in ("broken.py", "fine.py"):
        (tmp_path / name).write_text(text)
    (tmp_path / "pyproject.toml").write_text("")
    report = check([tmp_path], CheckOptions(cache=False))
    assert [(Path(finding.location.path).name, finding.code) for finding in report.findings] == [
        ("broken.py", "POL900"),
        ("fine.py", "POL103"),
    ]


@pytest.mark.parametrize("method", ["making", "walked"])
def test_a_session_that_cannot_be_followed_costs_nothing_else(tmp_path, monkeypatch, method):
    from poollint.program.lifetimes.making import Makings

    real = getattr(Makings, method)

    def fail(self, place, *rest):
        if (place if isinstance(place, str) else place.path) == "broken.py":
            raise RecursionError
        return real(self, place, *rest)

    monkeypatch.setattr(Makings, method, fail)
    text = (
        "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import Session\nE = create_engine('x://')\n\n"
        "def f():\n    s = Session(E)\n    s.execute('SELECT 1')\n"
    )
    for name in ("broken.py", "fine.py"):
        (tmp_path / name).write_text(text)
    (tmp_path / "pyproject.toml").write_text("")
    report = check([tmp_path], CheckOptions(cache=False))
    found = {(Path(finding.location.path).name, finding.location.line, finding.code) for finding in report.findings}
    assert {("broken.py", 6, "POL900"), ("fine.py", 6, "POL201")} <= found
    assert {code for name, _, code in found if name == "broken.py"} == {"POL900"}
    assert not report.failures
