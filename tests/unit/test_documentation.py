"""What the documentation points to is there, and what it shows as an input is one."""

import json
import re
from pathlib import Path

import pytest

from run.contract import complete

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
OBJECT_IN_A_LINE = re.compile(r"`(\{[^`]*\})`")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """What GitHub calls a page's headings: small letters, spaces as dashes, no other signs."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def inputs(page: Path) -> list[dict[str, object]]:
    """The JSON objects of a page whose keys are an execution input's."""
    text = page.read_text()
    blocks = [content for language, content in BLOCK.findall(text) if language == "json"]
    found = [json.loads(block) for block in blocks]
    for candidate in OBJECT_IN_A_LINE.findall(BLOCK.sub("", text)):
        try:
            found.append(json.loads(candidate))
        except json.JSONDecodeError:
            continue  # the shape of an answer, with names for values
    fields = set(complete({}).model_dump(by_alias=True))
    return [value for value in found if isinstance(value, dict) and value and set(value) <= fields]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_what_is_there(page: Path) -> None:
    broken = []
    for target, anchor in LINK.findall(page.read_text()):
        there = (page.parent / target).resolve() if target else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(f"{target}#{anchor}")
    assert broken == []


@pytest.mark.parametrize("page", [page for page in PAGES if inputs(page)], ids=name)
def test_inputs_are_valid(page: Path) -> None:
    for value in inputs(page):
        complete(value)


def test_each_statement_of_the_operators_policy_is_explained_once() -> None:
    policy = json.loads((ROOT / "docs" / "policies" / "operator.json").read_text())
    people = (ROOT / "docs" / "security.md").read_text().partition("## People")[2].partition("\n## ")[0]
    # when
    rows = [line.split("|")[1] for line in people.splitlines() if line.startswith("| `")]
    explained = [sid for cell in rows for sid in re.findall(r"`(\w+)`", cell)]
    # then
    assert sorted(explained) == sorted(statement["Sid"] for statement in policy["Statement"])
