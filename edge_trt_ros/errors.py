"""
The errors of this package, and the contract for handling them.

A message is one or two sentences for the person at the robot: what failed, what was found
against what was expected, and what to do about it. `EdgeTrtError` and `OSError` are things a
user can mend: a node logs the message, returns FAILURE, holds nothing and can be configured
again; a command prints it on stderr and exits with 1. Anything else is a bug of ours: it is
logged with its traceback and a lifecycle transition answers ERROR.
"""

from __future__ import annotations


class EdgeTrtError(Exception):
    """Something a user can mend; `str()` of it says how."""


class ConfigurationError(EdgeTrtError):
    """A parameter, a recipe or a command-line value that cannot be used."""


class ModelError(EdgeTrtError):
    """An ONNX file that cannot be read, checked or understood."""


class ManifestError(EdgeTrtError):
    """A manifest that is missing, malformed or of another engine, version or machine."""


class EngineError(EdgeTrtError):
    """An engine file or a back end that cannot be opened here."""


class ImageError(EdgeTrtError):
    """An image whose bytes and description do not agree, or whose encoding is unknown."""


class BagError(EdgeTrtError):
    """A recording that cannot be read or written, or lacks what is asked of it."""


class NetworkOutputError(EdgeTrtError):
    """Outputs of a network that are not finite or not of the shape its manifest states."""


class BuildError(EdgeTrtError):
    """A build of an engine that failed; the engine installed before it is untouched."""


class BuildCanceledError(BuildError):
    """A build that was canceled on request."""


def first_line(error: BaseException) -> str:
    """Return the kind of another library's error and the first line of what it says."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f'{type(error).__name__}: {lines[0]}' if lines else type(error).__name__
