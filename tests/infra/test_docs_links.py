"""Every link in the documentation leads somewhere: to a file, and to a heading that is there."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.infra.manifests import CHECKOUT

_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Link:
    """A link on a page, as it is written."""

    page: Path
    target: str

    @property
    def path(self) -> Path:
        """The file or folder that it leads to."""
        written = unquote(urlsplit(self.target).path)
        return self.page if not written else (self.page.parent / written).resolve()

    @property
    def heading(self) -> str:
        """The heading that it leads to, if it does."""
        return unquote(urlsplit(self.target).fragment)


def pages(checkout: Path) -> list[Path]:
    """All pages in git, or in the folder where there is no git."""
    if not (checkout / ".git").exists():
        return sorted(path for path in checkout.rglob("*.md") if ".venv" not in path.parts)
    listed = subprocess.run(
        ["git", "-C", str(checkout), "ls-files", "-z", "--", "*.md"],
        check=True,
        capture_output=True,
        text=True,
    )
    return [checkout / name for name in listed.stdout.split("\0") if name]


def local_links(page: Path) -> Iterator[Link]:
    """The links of a page that stay within the repository."""
    for found in _LINK.finditer(_CODE.sub("", page.read_text())):
        target = found[1] or found[2]
        if not urlsplit(target).scheme:
            yield Link(page, target)


def broken(checkout: Path) -> list[str]:
    """What is wrong with the links of a checkout."""
    return [
        f"{page.relative_to(checkout)}: {link.target}: {trouble}"
        for page in pages(checkout)
        for link in local_links(page)
        if (trouble := _trouble(link, checkout))
    ]


def _trouble(link: Link, checkout: Path) -> str:
    if not link.path.is_relative_to(checkout.resolve()):
        return "leads out of the repository"
    if not link.path.exists():
        return "is not there"
    if link.heading and link.heading not in _headings(link.path):
        return "has no such heading"
    return ""


def _headings(page: Path) -> set[str]:
    """The anchors that a page's headings get: small letters, words joined by hyphens."""
    titles = re.findall(r"^#+\s+(.+?)\s*$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_link_leads_somewhere() -> None:
    assert broken(CHECKOUT) == []


def test_the_readme_leads_to_every_page_for_readers() -> None:
    """From page to page, as people go."""
    reached, to_read = set(), [CHECKOUT / "README.md"]
    while to_read:
        page = to_read.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        for link in local_links(page):
            to_read += sorted(link.path.glob("*.md")) if link.path.is_dir() else [link.path]
    docs = {page for page in pages(CHECKOUT) if page.is_relative_to(CHECKOUT / "docs")}
    assert sorted(str(page.relative_to(CHECKOUT)) for page in docs - reached) == []


def test_every_picture_in_the_documentation_is_shown_on_a_page() -> None:
    shown = {link.path for page in pages(CHECKOUT) for link in local_links(page)}
    assert set((CHECKOUT / "docs" / "pictures").glob("*.png")) <= shown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[here](other.md)", []),
        ("[here](other.md#two-words)", []),
        ("[here](#a-page)\n# A page", []),
        ("[there](https://example.test/gone)", []),
        ("`[code](gone.md)`", []),
        ("```\n[code](gone.md)\n```", []),
        ("[here](gone.md)", ["page.md: gone.md: is not there"]),
        ("![a picture](gone.png)", ["page.md: gone.png: is not there"]),
        ("[here][1]\n\n[1]: gone.md", ["page.md: gone.md: is not there"]),
        ("[here](other.md#three)", ["page.md: other.md#three: has no such heading"]),
        ("[here](../x.md)", ["page.md: ../x.md: leads out of the repository"]),
    ],
)
def test_what_is_looked_for_is_found(tmp_path: Path, text: str, said: list[str]) -> None:
    (tmp_path / "page.md").write_text(text)
    (tmp_path / "other.md").write_text("# One\n\n## Two words\n")
    assert broken(tmp_path) == said
