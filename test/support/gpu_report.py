# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A plugin of pytest that writes the outcomes of a run into a report (`make test-gpu`)."""

from __future__ import annotations

from pathlib import Path
import re
from typing import Any

import pytest

from edge_trt_ros.doctor.report_file import add_to_report

FILE = 'gpu_report.json'
_LAST_LINES = 15


class Outcomes:
    """Collects the outcome, the time and the end of the error of each test."""

    def __init__(self) -> None:
        self.tests: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the report of the test itself, or of a set-up that did not get to it."""
        if report.when != 'call' and report.passed:
            return
        found: dict[str, Any] = {'outcome': report.outcome,
                                 'seconds': round(report.duration, 3)}
        if report.failed:
            found['error'] = str(report.longrepr).splitlines()[-_LAST_LINES:]
        elif report.skipped and isinstance(report.longrepr, tuple):
            found['reason'] = re.sub('^Skipped: ', '', report.longrepr[2])
        self.tests[report.nodeid] = found

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the report."""
        counts = {outcome: sum(test['outcome'] == outcome for test in self.tests.values())
                  for outcome in ('passed', 'failed', 'skipped')}
        path = Path(session.config.rootpath) / FILE
        add_to_report(path, 'gpu_tests', {**counts, 'tests': self.tests})
        print(f'\nwrote {path}')


def pytest_configure(config: pytest.Config) -> None:
    """Collect outcomes in this run."""
    config.pluginmanager.register(Outcomes(), 'gpu report')
