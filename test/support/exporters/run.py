# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Run an exporter for its cases; a case that fails leaves `failed.txt` with the reason."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
import sys
from traceback import format_exc

from support.exporters.cases import CASES


def main(exporter: str, output: str, *names: str) -> None:
    """Export the cases of an exporter into folders of their names."""
    module = import_module(f'support.exporters.{exporter}_export')
    for case in CASES.values():
        if case.exporter != exporter or names and case.name not in names:
            continue
        folder = Path(output) / case.name
        folder.mkdir(parents=True, exist_ok=True)
        try:
            module.export(case, folder)
        except Exception:  # an exporter raises anything
            (folder / 'failed.txt').write_text(format_exc())


if __name__ == '__main__':
    main(*sys.argv[1:])
