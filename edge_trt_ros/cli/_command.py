# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Shared by all commands: exit status, errors as one sentence, only JSON on stdout."""

from __future__ import annotations

from collections.abc import Callable
import json
import os
import select
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
        sys.stdout.flush()
    except BrokenPipeError as error:
        status = _broken_pipe(error)
    except (EdgeTrtError, OSError) as error:
        status = _refused(error)
    except KeyboardInterrupt:
        status = 130
    raise SystemExit(status)


def _refused(error: Exception) -> int:
    print(f'{os.path.basename(sys.argv[0])}: {described(error)}', file=sys.stderr)
    return REFUSED


def _broken_pipe(error: BrokenPipeError) -> int:
    """Return the status of a command whose output is no longer read, as in `detect ... | head`."""
    stdout = select.poll()
    stdout.register(1, 0)  # errors only: a pipe without a reader has one
    if not stdout.poll(0):
        return _refused(error)  # it was another pipe
    # Python flushes stdout once more when it ends, which must not fail again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 128 + signal.SIGPIPE


def _terminate(number: int, frame: object) -> None:
    """Leave through all `finally` clauses, which remove temporary files."""
    raise SystemExit(128 + number)


def print_json(document: Any) -> None:
    """Print one JSON document on one line."""
    print(json.dumps(document), flush=True)
