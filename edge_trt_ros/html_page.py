# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Self-contained HTML pages: text is escaped by construction, and nothing is loaded from elsewhere.

Lengths within charts are percentages, so that their text keeps its size on a phone.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
import html
import math
from pathlib import Path

from edge_trt_ros.files import write_file

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2530; --faint: #5d6b7a; --rule: #dfe4ea;
  --page: #ffffff; --panel: #f5f7f9; --c0: #1c6fb8; --c1: #d9822b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ef; --faint: #9aa7b5;
  --rule: #333d48; --page: #14181d; --panel: #1d232a; --c0: #5aa9e6; --c1: #f0a04b; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem 1rem 4rem; background: var(--page);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .4rem; overflow-wrap: anywhere; }
p { margin: .3rem 0 .8rem; color: var(--faint); overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .5rem; border-top: 1px solid var(--rule); }
th { font-weight: 600; color: var(--faint); border-top: 0; }
th:first-child, td:first-child, .facts td { text-align: left; overflow-wrap: anywhere; }
.facts td:first-child { color: var(--faint); width: 15rem; }
.scroll { overflow-x: auto; } .scroll th, .scroll td { white-space: nowrap; }
.track { position: relative; height: .8rem; min-width: 5rem; background: var(--panel); }
.track i { position: absolute; top: 0; bottom: 0; left: 0; background: var(--c0); }
.track b { position: absolute; top: 0; bottom: 0; width: 2px; margin-left: -2px;
  background: var(--ink); }
td.chart { width: 50%; }
.plot { display: grid; grid-template-columns: auto 1fr; gap: .2rem .5rem; margin: .5rem 0; }
.plot svg { width: 100%; height: 13rem; background: var(--panel); display: block; }
.plot polyline, .plot path { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; }
.plot path { stroke: var(--rule); stroke-width: 1; }
.c0 { stroke: var(--c0); background: var(--c0); } .c1 { stroke: var(--c1); background: var(--c1); }
.plot span { color: var(--faint); font-size: .8rem; }
.y, .x { display: flex; justify-content: space-between; } .y { flex-direction: column;
  text-align: right; } .x { grid-column: 2; }
.key { display: inline-block; width: .8rem; height: .8rem; margin: 0 .4rem 0 .8rem; }
figure { margin: 1rem 0 2rem; } figcaption { color: var(--faint); overflow-wrap: anywhere; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .5rem; }
.pair div { color: var(--faint); font-size: .85rem; }
img { width: 100%; height: auto; display: block; }
@media (max-width: 40rem) {
  .pair { grid-template-columns: 1fr; } .facts td:first-child { width: 40%; }
  .bars tr { display: grid; grid-template-columns: 1fr repeat(3, 4.2rem); padding: .2rem 0;
    border-top: 1px solid var(--rule); }
  .bars th, .bars td { border: 0; padding: .1rem .3rem; }
  .bars th.chart { display: none; } .bars td.chart { grid-column: 1 / -1; order: 1; width: auto; }
}
"""


class Html(str):
    """Markup whose text is escaped already."""


def tag(name: str, /, *content: str, **attributes: object) -> Html:
    """
    Return an element.

    :param name: its name.
    :param content: texts, which are escaped, and `Html`, which is not.
    :param attributes: attributes; an underscore at the end is dropped ('class_').
    """
    written = ''.join(f' {key.rstrip("_")}="{html.escape(str(value))}"'
                      for key, value in attributes.items())
    return Html(f'<{name}{written}>') if name in ('img', 'meta') else Html(
        f'<{name}{written}>{"".join(map(_escaped, content))}</{name}>')


def _escaped(content: str) -> str:
    return content if isinstance(content, Html) else html.escape(content)


def facts_table(facts: Mapping[str, object]) -> Html:
    """Return names and values in two columns."""
    return tag('table', *(tag('tr', tag('td', name), tag('td', str(value)))
                          for name, value in facts.items()), class_='facts')


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Html:
    """Return a table; on a phone it scrolls sideways."""
    head = tag('tr', *(tag('th', heading) for heading in headings))
    return tag('div', tag('table', head, *(tag('tr', *(tag('td', cell) for cell in row))
                                           for row in rows)), class_='scroll')


def bar(share: float, tick_share: float | None = None) -> Html:
    """
    Return a horizontal bar.

    :param share: its length, 0 to 1.
    :param tick_share: place of a tick, 0 to 1; None for none.
    """
    tick = () if tick_share is None else (tag('b', style=f'left: {_percent(tick_share)}'),)
    return tag('div', tag('i', style=f'width: {_percent(share)}'), *tick, class_='track')


def _percent(share: float) -> str:
    return f'{100 * min(max(share, 0.0), 1.0):.2f}%'


def curves(lines: Mapping[str, Sequence[tuple[float, float]]], x_labels: Sequence[str],
           unit: str) -> Html:
    """
    Return a plot of at most two curves; its vertical axis begins at 0.

    :param lines: points (x, y) of each curve by its name, at least one point.
    :param x_labels: labels of the horizontal axis, evenly spaced.
    :param unit: unit of y.
    """
    points = [point for line in lines.values() for point in line]
    top = 4 * _round_step(max(max(y for _, y in points), 1e-9) / 4)
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    width = max(right - left, 1e-9)
    grid = Html(''.join(tag('path', d=f'M0 {place} H100') for place in (25, 50, 75)))
    drawn = [tag('polyline', class_=f'c{index}', points=' '.join(
        f'{100 * (x - left) / width:.2f},{100 - 100 * y / top:.2f}' for x, y in line))
        for index, line in enumerate(lines.values())]
    svg = tag('svg', grid, *drawn, viewBox='0 0 100 100', preserveAspectRatio='none',
              role='img', **{'aria-label': ', '.join(lines)})
    levels = [tag('span', f'{top * share:.3g}{f" {unit}" if share == 1 else ""}')
              for share in (1, 0.75, 0.5, 0.25, 0)]
    keys = [Html(tag('span', class_=f'key c{index}') + html.escape(name))
            for index, name in enumerate(lines)]
    plot = tag('div', tag('div', *levels, class_='y'), svg,
               tag('div', *(tag('span', label) for label in x_labels), class_='x'),
               class_='plot')
    return Html(plot + tag('p', *keys)) if len(lines) > 1 else plot


def _round_step(at_least: float) -> float:
    """Return the next number of the form 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(at_least))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= at_least)


def picture(jpeg: bytes, text: str) -> Html:
    """
    Return an embedded picture.

    :param jpeg: the JPEG file.
    :param text: what it shows, for readers who cannot see it.
    """
    return tag('img', src=f'data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}', alt=text)


def write_page(path: Path, title: str, *content: Html) -> None:
    """
    Write a page atomically.

    :param path: the file.
    :param title: heading and title.
    :param content: what follows the heading.
    :raises OSError: if it cannot be written.
    """
    head = tag('head', tag('meta', charset='utf-8'), tag('title', title), tag(
        'meta', name='viewport', content='width=device-width, initial-scale=1'),
        tag('style', Html(_STYLE)))
    page = tag('html', head, tag('body', tag('h1', title), *content), lang='en')
    write_file(path, f'<!DOCTYPE html>\n{page}\n'.encode())
