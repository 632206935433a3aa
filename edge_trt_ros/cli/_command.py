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
    termination = _Termination()
    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, termination)
    try:
        status = work() or DONE
        sys.stdout.flush()
    except Exception as error:
        status = termination.status or _status_of(error)
    except KeyboardInterrupt:
        status = 130
    raise SystemExit(status)


class _Termination:
    """
    Leaves at SIGTERM through all `finally` clauses, which remove temporary files.

    :ivar status: the exit status after the signal; 0 before. A library that the signal interrupts
        may raise an error of its own instead: pybind11 makes an ImportError of any exception while
        a module loads.
    """

    def __init__(self) -> None:
        self.status = 0

    def __call__(self, number: int, frame: object) -> None:
        self.status = 128 + number
        raise SystemExit(self.status)


def _status_of(error: Exception) -> int:
    """Print an error that the user can fix, and return the status; a bug is raised again."""
    if isinstance(error, BrokenPipeError):
        return _broken_pipe(error)
    if isinstance(error, (EdgeTrtError, OSError)):
        return _refused(error)
    raise error


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


def print_json(document: Any) -> None:
    """Print one JSON document on one line."""
    print(json.dumps(document), flush=True)
