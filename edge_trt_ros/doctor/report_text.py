# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The doctor's report as plain text, in the width of the terminal."""

from __future__ import annotations

from collections.abc import Iterator
import platform
import textwrap

from edge_trt_ros import __version__
from edge_trt_ros.doctor.finding import Finding, MISSING, OK, OPTIONAL, WARNING
from edge_trt_ros.doctor.registry import Report

_COLORS = {OK: '32', OPTIONAL: '36', WARNING: '33', MISSING: '31'}
_STATUS, _NAME = 9, 18
_DEVICES = {'onnxruntime': 'on the CPU, through ONNX Runtime',
            'tensorrt': 'on the GPU, through TensorRT',
            'tensorrt_rtx': 'on the GPU, through TensorRT for RTX'}


def report_lines(report: Report, columns: int, colored: bool) -> Iterator[str]:
    """
    Yield the lines of a report.

    :param report: the report.
    :param columns: width at which texts are wrapped; commands are not.
    :param colored: whether to colour the status with escape sequences.
    """
    yield f'edge_trt_ros {__version__} on {report.host.system}, {platform.machine()}'
    for finding in report.findings:
        yield from _finding_lines(finding, columns, colored)
    if report.host.pip_is_refused and any(' pip ' in f.fix for f in report.findings):
        yield 'pip installs for this user only here (PEP 668): doctor --help says why.'
    yield _conclusion(report)


def _finding_lines(finding: Finding, columns: int, colored: bool) -> Iterator[str]:
    indent = ' ' * (_STATUS + _NAME)
    first, *others = textwrap.wrap(finding.text, max(columns - len(indent) - 1, 20),
                                   break_long_words=False, break_on_hyphens=False) or ['']
    status = f'{finding.status:{_STATUS}}'
    if colored:
        status = f'\x1b[{_COLORS[finding.status]}m{status}\x1b[0m'
    yield f'{status}{finding.name:{_NAME}}{first}'
    yield from (indent + line for line in others)
    if finding.fix:
        yield f"{' ' * _STATUS}fix: {finding.fix}"


def _conclusion(report: Report) -> str:
    if report.missing:
        names = ', '.join(finding.name for finding in report.missing)
        return f'Not ready: {names}. Type the commands above, then doctor again.'
    return f'Ready: engines run {_DEVICES[report.runs_on]}.'
