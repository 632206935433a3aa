# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The progress bar of commands, shown only on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import shutil
import sys
from threading import Event, Thread
from time import monotonic
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


@contextmanager
def phase_bar(description_width: int = 16, *, by_thread: bool = True
              ) -> Iterator[Callable[[str, float], None]]:
    """
    Show a progress bar, and yield the function that moves it: name of the phase, fraction done.

    :param description_width: width of the phase's name in characters.
    :param by_thread: whether a thread redraws it while a library blocks this one; a measurement
        redraws it only between its samples.
    """
    with progress_bar(description_width) as bar:
        stopped = Event()
        shown_at = 0.0

        def progress(phase: str, fraction: float) -> None:
            nonlocal shown_at
            changed = not bar.disable and bar.desc.strip(' :') != phase
            bar.n = round(100 * fraction)
            if changed or monotonic() - shown_at > REFRESH_S:
                shown_at = monotonic()
                bar.set_description_str(phase)

        def redraw() -> None:
            while not stopped.wait(REFRESH_S):
                bar.refresh()
        thread = Thread(target=redraw, daemon=True)
        if by_thread and not bar.disable:
            thread.start()
        try:
            yield progress
        finally:
            stopped.set()
            if thread.ident is not None:
                thread.join()


def terminal_size() -> dict[str, Any]:
    """Return the terminal size for tqdm; serial consoles report 0x0, for which this falls back."""
    size = shutil.get_terminal_size()
    return {'ncols': size.columns - 1, 'nrows': size.lines}
