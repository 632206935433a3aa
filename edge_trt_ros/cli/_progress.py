"""The progress bar of commands: for a terminal, and nothing in a log."""

from __future__ import annotations

import shutil
import sys
from typing import Any

from tqdm import tqdm

# How often a bar shows that something goes on.
REFRESH_S = 0.25


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
