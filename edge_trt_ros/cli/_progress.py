# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The progress bar of commands, shown only on a terminal."""

from __future__ import annotations

import shutil
import sys
from typing import Any

from tqdm import tqdm

# Period in seconds at which a bar is redrawn.
REFRESH_S = 0.25


def progress_bar(description_width: int = 16) -> Any:
    """
    Return a progress bar to 100 % on stderr, shown only on a terminal.

    :param description_width: width of the phase's name in characters.
    """
    text = f'{{desc:{description_width}}} {{bar}} {{percentage:3.0f}} % {{elapsed}}'
    return tqdm(total=100, unit='%', file=sys.stderr, leave=False, disable=None,
                bar_format=text, **terminal_size())


def terminal_size() -> dict[str, Any]:
    """Return the terminal size for tqdm; serial consoles report 0x0, for which this falls back."""
    size = shutil.get_terminal_size()
    return {'ncols': size.columns - 1, 'nrows': size.lines}
