# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Check the links of the built documentation; exit with 1 if one is broken.

    python3 doc/check_links.py build/docs

Pages, files and anchors are looked up in the built folder. A link to a file of the repository on
GitHub must name a file of this checkout. Of other external links only the form is checked, so
that no network is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
import sys
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = 'github.com/edge-trt-ros/edge_trt_ros/'


class Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors = {'', 'top'}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect href, src, id and name."""
        for name, value in attrs:
            if name in ('id', 'name') and value:
                self.anchors.add(value)
            elif value and (name == 'href' and tag != 'link' or name == 'src'):
                self.links.append(value)


def broken_links(built: Path) -> Iterator[tuple[str, str, str]]:
    """Yield page, link and reason of every broken link in a folder of built pages."""
    pages = {path: Page(path.read_text(encoding='utf-8'))
             for path in sorted(built.rglob('*.html'))}
    for path, page in pages.items():
        for link in dict.fromkeys(page.links):
            reason = _external(link) if urlsplit(link).scheme else _internal(link, path, pages)
            if reason:
                yield path.relative_to(built).as_posix(), link, reason


def _external(link: str) -> str:
    parts = urlsplit(link)
    if parts.scheme in ('data', 'mailto', 'javascript'):
        return ''
    if parts.scheme != 'https' or '.' not in parts.netloc:
        return 'expected https://host/path'
    inside = f'{parts.netloc}{parts.path}'
    for view in ('blob/main/', 'tree/main/'):
        if inside.startswith(REPOSITORY + view) and not (
                ROOT / inside.removeprefix(REPOSITORY + view)).exists():
            return 'there is no such file in the repository'
    return ''


def _internal(link: str, path: Path, pages: dict[Path, Page]) -> str:
    parts = urlsplit(link)
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.exists():
        return 'there is no such file'
    page = pages.get(target)
    if page and unquote(parts.fragment) not in page.anchors:
        return f'the page has no anchor {parts.fragment}'
    return ''


def main() -> None:
    """Check the folder named by the first argument."""
    built = Path(sys.argv[1]).resolve()
    broken = list(broken_links(built))
    for page, link, reason in broken:
        print(f'{page}: {link}: {reason}', file=sys.stderr)
    raise SystemExit(1 if broken else 0)


if __name__ == '__main__':
    main()
