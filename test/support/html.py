# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Reads a page of this package, and checks that it is well-formed and loads nothing."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

_VOID = ('img', 'meta')


class Page(HTMLParser):
    """
    The text and the elements of a page.

    :param path: the HTML file.
    :raises AssertionError: if an element is not closed, or if the page names another address.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._open: list[str] = []
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        text = path.read_text(encoding='utf-8')
        if not text.startswith('<!DOCTYPE html>'):
            raise AssertionError(f'{path} begins with {text[:20]!r}')
        if 'url(' in text or '@import' in text:
            raise AssertionError(f'{path} loads a file')
        self.feed(text)
        self.close()
        if self._open:
            raise AssertionError(f'{path}: not closed: {self._open}')

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the element; an address must be a data URI."""
        self.tags.append(tag)
        self.attributes += [(name, value or '') for name, value in attrs]
        for name, value in attrs:
            if name in ('src', 'href', 'srcset') and not (value or '').startswith('data:'):
                raise AssertionError(f'{tag} loads {value}')
            if name.startswith('on'):
                raise AssertionError(f'{tag} has a script: {name}')
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element, which must be this one."""
        if not self._open or self._open[-1] != tag:
            raise AssertionError(f'</{tag}> in {self._open}')
        self._open.pop()

    def handle_data(self, data: str) -> None:
        """Keep the text, without that of the style."""
        if self._open and self._open[-1] != 'style' and data.strip():
            self.texts.append(data.strip())
