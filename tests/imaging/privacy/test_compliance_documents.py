"""What the compliance pages name is there: files of the tree, questions of the compliance page, known states."""

import re
from pathlib import Path

import pytest

import accounts.admin  # noqa: F401 -- the questions are registered with the administration
from accounts.compliance import registry

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted((ROOT / "docs" / "compliance").glob("*.md"))
STATES = {"yes", "partly", "not yet", "site"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_and_question_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    named = set(re.findall(r"`([^`\s]+)`", text))
    paths = {name for name in named if re.match(r"(accounts|imaging|portal|tests|docs|templates)/", name)}
    checks = {name for name in named if re.fullmatch(r"[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*", name)}
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []
    assert sorted(checks - {entry.id for entry in registry.checks()}) == []


@pytest.mark.parametrize("name", ["hipaa.md", "asvs.md", "iso27001-hds.md"])
def test_every_line_has_a_state_and_points_somewhere(name: str) -> None:
    text = (ROOT / "docs" / "compliance" / name).read_text("utf-8")
    lines = [row.strip("|").split("|") for row in text.splitlines() if row.startswith("|") and "---" not in row][1:]
    assert len(lines) > 15
    for cells in lines:
        assert len(cells) == 4, cells
        assert cells[2].strip() in STATES, cells
        assert cells[3].strip(), cells


@pytest.mark.parametrize("name", ["processing-register", "dpia"])
def test_both_languages_have_the_same_sheets(name: str) -> None:
    folder = ROOT / "docs" / "compliance"
    english, french = ((folder / f"{name}{end}").read_text("utf-8") for end in (".md", ".fr.md"))
    assert english.count("\n## ") == french.count("\n## ")
    assert english.count("\n|") == french.count("\n|")
