# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Shared by all commands: exit status, errors as one sentence, only JSON on stdout."""

from __future__ import annotations

from collections.abc import Callable
import json
import os
import signal
import sys
from typing import Any

from edge_trt_ros.errors import described, EdgeTrtError

DONE, REFUSED = 0, 1


def run_command(work: Callable[[], int | None]) -> None:
    """
    Run a command and exit: status 0 for success, 1 for an error; argparse exits with 2.

    :param work: implements the command; returns the exit status, or None for 0.
    """
    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)
    try:
        status = work() or DONE
    except (EdgeTrtError, OSError) as error:
        print(f'{os.path.basename(sys.argv[0])}: {described(error)}', file=sys.stderr)
        status = REFUSED
    except KeyboardInterrupt:
        status = 130
    raise SystemExit(status)


def _terminate(number: int, frame: object) -> None:
    """Leave through all `finally` clauses, which remove temporary files."""
    raise SystemExit(128 + number)


def print_json(document: Any) -> None:
    """Print one JSON document on one line."""
    print(json.dumps(document), flush=True)
