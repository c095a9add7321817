"""Builds the site of the manuals with the API page: copies the pages, adds the list of pages, and runs Zensical."""

from __future__ import annotations

import argparse
import posixpath
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
FROM_ROOT = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
LINK = re.compile(r"(\]\()([^)\s]+)(\))")


def main() -> int:
    """Build the site and return the exit code of Zensical: not 0 where anything is to warn of."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder to work in; the site is in its folder site")
    out = parser.parse_args().out
    pages = out / "pages"
    shutil.rmtree(pages, ignore_errors=True)
    shutil.copytree(ROOT / "docs", pages)
    sources = [*FROM_ROOT, *(str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md"))]
    for source in sources:
        text = (ROOT / source).read_text(encoding="utf-8")
        (pages / place_of(source)).write_text(with_moved_links(text, source), encoding="utf-8")
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").replace("paths: [..]", f"paths: ['{ROOT}']")
    (out / "mkdocs.yml").write_text(f"{settings}nav:\n{navigation()}", encoding="utf-8")
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "-f", str(out / "mkdocs.yml")]
    return subprocess.run(command, check=False).returncode


def place_of(source: str) -> str:
    """Return the path of a page or picture in the site from that in the repository."""
    return FROM_ROOT.get(source, source.removeprefix("docs/"))


def with_moved_links(text: str, source: str) -> str:
    """Return a page with links that lead from its place in the site to the places of other pages there."""
    here = posixpath.dirname(source)
    there = posixpath.dirname(place_of(source)) or "."

    def moved(link: re.Match[str]) -> str:
        path, hash_sign, anchor = link[2].partition("#")
        if not path or ":" in path:
            return link[0]
        target = place_of(posixpath.normpath(posixpath.join(here, path)))
        return f"{link[1]}{posixpath.relpath(target, there)}{hash_sign}{anchor}{link[3]}"

    return LINK.sub(moved, text)


def navigation() -> str:
    """Return the list of pages in the order of README's table, a line each."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme[readme.index("## Documentation") :]
    lines = ["  - Gammabox: index.md"]
    for title, path in re.findall(r"\[([^\]]+)\]\(([\w/.-]+\.md)\)", table):
        lines.append(f"  - {title[0].upper()}{title[1:]}: {place_of(path)}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
