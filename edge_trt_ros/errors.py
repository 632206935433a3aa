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
    """
    Something a user can mend.

    :param message: says what and how; it may change with any version.
    :param code: names the failure for programs, in lower case with underscores, and stays; ''
        takes that of the kind.
    """

    code = 'error'

    def __init__(self, message: str = '', code: str = '') -> None:
        super().__init__(message)
        if code:
            self.code = code


class ConfigurationError(EdgeTrtError):
    """A parameter, a recipe or a command-line value that cannot be used."""

    code = 'configuration'


class ModelError(EdgeTrtError):
    """An ONNX file that cannot be read, checked or understood."""

    code = 'model'


class ManifestError(EdgeTrtError):
    """A manifest that is missing, malformed or of another engine, version or machine."""

    code = 'manifest'


class EngineError(EdgeTrtError):
    """An engine file or a back end that cannot be opened here."""

    code = 'engine'


class ImageError(EdgeTrtError):
    """An image whose bytes and description do not agree, or whose encoding is unknown."""

    code = 'image'


class BagError(EdgeTrtError):
    """A recording that cannot be read or written, or lacks what is asked of it."""

    code = 'bag'


class NetworkOutputError(EdgeTrtError):
    """Outputs of a network that are not finite or not of the shape its manifest states."""

    code = 'network_output'


class BuildError(EdgeTrtError):
    """A build of an engine that failed; the engine installed before it is untouched."""

    code = 'build'


class BuildCanceledError(BuildError):
    """A build that was canceled on request."""

    code = 'canceled'


def described(error: BaseException) -> str:
    """Return what an error says, and its code in brackets where it has one."""
    return f'{error} [{error.code}]' if isinstance(error, EdgeTrtError) else str(error)


def first_line(error: BaseException) -> str:
    """Return the kind of another library's error and the first line of what it says."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f'{type(error).__name__}: {lines[0]}' if lines else type(error).__name__
