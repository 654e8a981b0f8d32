"""The documents lead where they say, and name the two commands."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from worker.cli import app

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("deploy/*.md"), *ROOT.glob("training/*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


def test_the_readme_names_the_two_commands():
    text = (ROOT / "README.md").read_text("utf-8")
    assert "make run" in text
    assert "make test" in text


def commands(group, path=()):
    """Every command and group of the command line, as tuples of words."""
    for name, command in group.commands.items():
        yield (*path, name)
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("name", ["operations.md", "runbooks.md", "page.md"])
def test_every_command_that_a_runbook_names_exists(name):
    known = set(commands(get_command(app)))
    groups = {words[0] for words in known if len(words) > 1}
    named = re.findall(r"`tocsin ([a-z]+)(?: ([a-z]+))?", (ROOT / "docs" / name).read_text("utf-8"))
    assert named
    for first, second in named:
        assert ((first, second) if first in groups and second else (first,)) in known, (first, second)
