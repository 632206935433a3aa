# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A benchmark's report as a page: curves, stages and all figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge_trt_ros.benchmark.road_frames import PERCENTS
from edge_trt_ros.benchmark.scene_picture import scene_curves
from edge_trt_ros.benchmark.scene_table import camera_rows, scene_rows
from edge_trt_ros.benchmark.stage_picture import in_order
from edge_trt_ros.html_page import bar, curves, facts_table, Html, table, tag, write_page

_TITLES = {'engine': 'Engine', 'node_cameras': 'Cameras of the inference node',
           'scenes': 'Frames by number of objects',
           'cameras': 'Images of several cameras', 'node': 'Inference node',
           'reloads': 'Reloads under a stream of images',
           'transport': 'Transport of images', 'soak': 'Memory over time', 'machine': 'Machine'}
_AGAIN, _STAGES, _MEMORY = 'without_graph', 'stages_ms', 'rss_curve_mb'
# End of the key of a curve: the percentiles 0 to 100.
_CURVE = '_curve_ms'
_SLOW_TAIL = 99


def write_report_page(path: Path, report: Mapping[str, Any]) -> None:
    """
    Write the page.

    :param path: the HTML file.
    :param report: the parts of a benchmark by name, as `--json` prints them.
    :raises OSError: if the page cannot be written.
    """
    machine = report['machine']
    sections = [section for part, values in report.items() if part != 'machine'
                for section in (tag('h2', _TITLES[part]), *_section(part, values))]
    write_page(path, 'Benchmark of edge_trt_ros',
               tag('p', ', '.join(str(machine[name]) for name in ('date', 'gpu', 'processor')
                                  if machine.get(name))),
               *sections, tag('h2', _TITLES['machine']), facts_table(machine))


def _section(part: str, values: Any) -> Iterator[Html]:
    if part == 'scenes':
        return _scenes(values)
    return _cameras(values) if part == 'cameras' else _part(values)


def _part(values: Mapping[str, Any]) -> Iterator[Html]:
    again = values.get(_AGAIN, {})
    for name in (key for key in values if key.endswith(_CURVE)):
        title = name.removesuffix(_CURVE).replace('_', ' ')
        lines = {title: values[name]}
        if name in again:
            lines = {'as one CUDA graph': values[name], 'launched call by call': again[name]}
        yield from _percentile_plot(title, lines)
    if values.get(_MEMORY):
        yield tag('h3', 'Resident memory of the detector')
        first, last = values[_MEMORY][0][0], values[_MEMORY][-1][0]
        yield curves({'resident memory': [(x, y) for x, y in values[_MEMORY]]},
                     [f'{first:.0f} s', f'{(first + last) / 2:.0f} s', f'{last:.0f} s'], 'MB')
    for title, stages_ms in (('Stages of a frame', values.get(_STAGES)),
                             ('Launched call by call', again.get(_STAGES))):
        if stages_ms:
            yield tag('h3', title)
            yield tag('p', 'Milliseconds. Bars end at p50, ticks are at p99.')
            yield _stage_table(stages_ms)
    yield tag('h3', 'All figures')
    yield facts_table(dict(_facts(values)))


def _scenes(scenes: Sequence[Mapping[str, Any]]) -> Iterator[Html]:
    objects = sorted({scene['objects'] for scene in scenes})
    lines = {f'{name}, {title}': [(float(objects.index(scene['objects'])), scene[figure]['p50'])
                                  for scene in line]
             for name, line in scene_curves(scenes).items()
             for title, figure in (('frame', 'frame_ms'), ('network alone', 'floor_ms'))}
    yield tag('p', 'Milliseconds from the bytes of an image to published detections, p50, over '
              'the number of objects in view.')
    yield curves(lines, list(map(str, objects)), 'ms')
    head, *rows = scene_rows(scenes)
    yield table(head, rows)


def _cameras(scenes: Sequence[Mapping[str, Any]]) -> Iterator[Html]:
    yield tag('p', 'Milliseconds until the images of all cameras, which wait together, have their '
              'detections.')
    head, *rows = camera_rows(scenes)
    yield table(head, rows)


def _percentile_plot(title: str, lines: Mapping[str, Sequence[float]]) -> Iterator[Html]:
    """Yield a plot without the slowest frames, which would flatten it, and a table with them."""
    yield tag('h3', f'Distribution: {title}')
    yield tag('p', f'Milliseconds by percentile, without the slowest {100 - _SLOW_TAIL} %.')
    yield curves({name: [(percent, value) for percent, value in enumerate(line)
                         if percent <= _SLOW_TAIL] for name, line in lines.items()},
                 [f'p{percent}' for percent in (0, 25, 50, 75, _SLOW_TAIL)], 'ms')
    shown = (0, 50, 90, 95, 99, 100)
    yield table(['', 'fastest', *(f'p{percent}' for percent in shown[1:-1]), 'slowest'],
                [[name, *(f'{line[percent]:.3f}' for percent in shown)]
                 for name, line in lines.items()])


def _stage_table(stages_ms: Mapping[str, Mapping[str, float]]) -> Html:
    longest_ms = max(max(figures['p99'] for figures in stages_ms.values()), 1e-9)
    columns = [f'p{percent}' for percent in PERCENTS]
    head = tag('tr', tag('th', 'stage'), tag('th', class_='chart'),
               *(tag('th', column) for column in columns))
    rows = [tag('tr', tag('td', stage.replace('_', ' ')), tag('td', bar(
        stages_ms[stage]['p50'] / longest_ms, stages_ms[stage]['p99'] / longest_ms),
        class_='chart'), *(tag('td', f'{stages_ms[stage][column]:.3f}') for column in columns))
        for stage in in_order(stages_ms)]
    return tag('table', head, *rows, class_='bars')


def _facts(values: Mapping[str, Any], prefix: str = '') -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        name = f"{prefix}{key.replace('_', ' ')}"
        if key in (_STAGES, _MEMORY) or key.endswith(_CURVE):
            continue
        if isinstance(value, Mapping):
            yield from _facts(value, f'{name}: ')
        else:
            yield name, ' x '.join(map(str, value)) if isinstance(value, list) else str(value)
