"""The reasoning layer as a whole: what happens when a part of it fails."""

from __future__ import annotations

from pathlib import Path

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
