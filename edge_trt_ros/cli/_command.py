"""What all commands share: exit status, errors as one sentence, JSON alone on stdout."""

from __future__ import annotations

from collections.abc import Callable
import json
import os
import shutil
import sys
from typing import Any

from tqdm import tqdm

from edge_trt_ros.errors import described, EdgeTrtError

DONE, REFUSED = 0, 1
# How often a bar shows that something goes on.
REFRESH_S = 0.25


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


def progress_bar(description_width: int = 16) -> Any:
    """
    Return a bar to 100 % on stderr: for a terminal, and nothing in a log.

    :param description_width: characters kept for what is being done.
    """
    text = f'{{desc:{description_width}}} {{bar}} {{percentage:3.0f}} % {{elapsed}}'
    return tqdm(total=100, unit='%', file=sys.stderr, leave=False, disable=None,
                bar_format=text, **terminal_size())


def terminal_size() -> dict[str, Any]:
    """Return what tqdm has to know of a terminal: a serial console says that it is 0x0."""
    size = shutil.get_terminal_size()
    return {'ncols': size.columns - 1, 'nrows': size.lines}
