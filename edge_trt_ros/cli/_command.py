"""What all commands share: exit status, errors as one sentence, JSON alone on stdout."""

from __future__ import annotations

from collections.abc import Callable
import json
import os
import sys
from typing import Any

from edge_trt_ros.errors import described, EdgeTrtError

DONE, REFUSED = 0, 1


def run_command(work: Callable[[], int | None]) -> None:
    """
    Run a command and leave the process: 0 done, 1 refused or failed; argparse gives 2.

    :param work: does the command's work; returns its exit status, or None for 0.
    """
    try:
        status = work() or DONE
    except (EdgeTrtError, OSError) as error:
        print(f'{os.path.basename(sys.argv[0])}: {described(error)}', file=sys.stderr)
        status = REFUSED
    except KeyboardInterrupt:
        status = 130
    raise SystemExit(status)


def print_json(document: Any) -> None:
    """Print one JSON document on one line."""
    print(json.dumps(document), flush=True)
