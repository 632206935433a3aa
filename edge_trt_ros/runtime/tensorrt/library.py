# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The only module that imports TensorRT: `tensorrt` (10 and 11) or `tensorrt_rtx` (for RTX).

Both have the same interface; `getattr` detects features that only one of them has. On failure,
their calls return None or False and log the reason, so the log is collected and added to the
error messages.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import lru_cache
import importlib
import importlib.util
import logging
from typing import Any, TYPE_CHECKING

from edge_trt_ros.errors import EngineError

if TYPE_CHECKING:  # types from the inventories of test/tensorrt_api, for all versions
    from tensorrt import Module

# Names of Python modules and of back ends.
TENSORRT_NAMES = ('tensorrt', 'tensorrt_rtx')
_KEPT_LINES = 100
# The oldest and the newest versions whose interface our calls are checked against.
CHECKED_VERSIONS = {'tensorrt': ((10, 0), (11, 4)), 'tensorrt_rtx': ((1, 6), (1, 7))}
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class TensorRt:
    """
    An imported TensorRT library.

    :param name: 'tensorrt' or 'tensorrt_rtx', also the name of the back end in a manifest.
    :param version: version of the library, as '10.3.0' or '1.7.1.116'.
    :param module: the Python module.
    """

    name: str
    version: str
    module: Module

    @property
    def is_rtx(self) -> bool:
        """Whether kernels are compiled when an engine is loaded, not when it is built."""
        return self.name == 'tensorrt_rtx'


def installed_tensorrt() -> str:
    """Return the name of the installed TensorRT; '' for none, 'tensorrt' if both are installed."""
    for name in TENSORRT_NAMES:
        spec = importlib.util.find_spec(name)
        # A folder with that name in the working directory also has a spec, but no origin.
        if spec is not None and spec.origin is not None:
            return name
    return ''


def load_tensorrt(name: str) -> TensorRt:
    """
    Import a TensorRT library.

    :param name: a name in `TENSORRT_NAMES`.
    :raises EngineError: if it is not installed or cannot be loaded.
    """
    try:
        module: Any = importlib.import_module(name)
        library = TensorRt(name, str(module.__version__), module)
    except ModuleNotFoundError as error:
        source = ('pip install tensorrt-rtx' if name == 'tensorrt_rtx' else
                  'it comes with JetPack or from NVIDIA (apt-get install python3-libnvinfer)')
        raise EngineError(f'{name} is not installed ({error}): {source}',
                          code='tensorrt_missing') from error
    except (ImportError, OSError, AttributeError) as error:
        raise EngineError(f'{name} is installed, but cannot be loaded ({error}): its libraries '
                          'and Python bindings must have the same version',
                          code='library_broken') from error
    _check_version(library.name, library.version)
    return library


@lru_cache(maxsize=None)
def _check_version(name: str, version: str) -> None:
    oldest, newest = CHECKED_VERSIONS[name]
    numbers = tuple(int(part) for part in version.split('.')[:2] if part.isdigit())
    if name == 'tensorrt' and numbers < oldest:
        raise EngineError(f'tensorrt {version} is installed, but this package needs '
                          '10.0 or later: on a Jetson, install JetPack 6 or later',
                          code='tensorrt_too_old')
    if numbers > newest:  # once per process, for the cache above
        _LOG.warning('%s %s is newer than %s, the newest version that this package was checked '
                     'against; it is used all the same', name, version,
                     '.'.join(map(str, newest)))


@lru_cache(maxsize=None)
def library_logger(library: TensorRt) -> Any:
    """
    Return the `ILogger` of this process; the library uses only the first logger it receives.

    It forwards all messages to Python's logging, and stores warnings and errors in `lines` as
    (severity, text), where severity is 'warning', 'error' or 'internal_error'.

    :param library: the library.
    """
    base: Any = library.module.ILogger
    levels = {base.INTERNAL_ERROR: logging.CRITICAL, base.ERROR: logging.ERROR,
              base.WARNING: logging.WARNING, base.INFO: logging.INFO}

    class Logger(base):
        """Any thread of the library may call it."""

        def __init__(self) -> None:
            base.__init__(self)
            # Limited, so that endless logging does not exhaust the memory.
            self.lines: deque[tuple[str, str]] = deque(maxlen=_KEPT_LINES)

        def log(self, severity: Any, message: str) -> None:
            if severity <= base.WARNING:
                self.lines.append((severity.name.lower(), message.strip()))
            level = levels.get(severity, logging.DEBUG)
            if _LOG.isEnabledFor(level):
                _LOG.log(level, message.strip())
    return Logger()


def started(library: TensorRt, kind: str) -> Any:
    """
    Return a new `Builder` or `Runtime`.

    :param library: the library.
    :param kind: the name of the class.
    :raises EngineError: if the library does not start on this machine.
    """
    try:
        return getattr(library.module, kind)(library_logger(library))
    except TypeError as error:  # what pybind11 raises for a null pointer
        raise EngineError(
            f'{library.name} {library.version} does not start here: {complaints(library)}: its '
            'CUDA version and the driver do not fit; run `doctor`, which shows the versions',
            code='cuda_mismatch') from error


def error_recorder(library: TensorRt) -> Any:
    """Return an `IErrorRecorder`; its `text()` returns the errors since the last call."""
    base: Any = library.module.IErrorRecorder

    class Recorder(base):
        """Any thread of the library may call it."""

        def __init__(self) -> None:
            base.__init__(self)
            self.errors: deque[tuple[Any, str]] = deque(maxlen=_KEPT_LINES)

        def num_errors(self) -> int:
            return len(self.errors)

        def get_error_code(self, index: int) -> Any:
            return self.errors[index][0]

        def get_error_desc(self, index: int) -> str:
            return self.errors[index][1]

        def has_overflowed(self) -> bool:
            return len(self.errors) == _KEPT_LINES

        def clear(self) -> None:
            self.errors.clear()

        def report_error(self, code: Any, text: str) -> bool:
            self.errors.append((code, text))
            return False  # the call that failed says whether this ends it

        def text(self) -> str:
            recorded = dict.fromkeys(' '.join(text.split()) for _, text in self.errors)
            self.errors.clear()
            return '; '.join(recorded)
    return Recorder()


def complaints(library: TensorRt) -> str:
    """Return the errors that the library logged since the last call, as one line."""
    lines = library_logger(library).lines
    logged = [lines.popleft() for _ in range(len(lines))]
    errors = [text for severity, text in logged if severity != 'warning']
    shown = errors or [text for _, text in logged]
    return '; '.join(dict.fromkeys(' '.join(text.split()) for text in shown)) \
        or 'it logged no reason'
