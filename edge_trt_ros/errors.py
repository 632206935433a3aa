# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The errors of this package, and how they are handled.

A message is one or two sentences for the user: the cause, the actual and the expected value, and
the remedy. A user can fix an `EdgeTrtError` or `OSError`: a node logs the message, returns
FAILURE, releases its resources and can be configured again; a command prints the message to
stderr and exits with status 1. Other exceptions are bugs in this package: they are logged with a
traceback, and a lifecycle transition returns ERROR.
"""

from __future__ import annotations


class EdgeTrtError(Exception):
    """
    An error that a user can fix.

    :param message: cause and remedy; the wording may change in any version.
    :param code: stable error code for programs, lower case with underscores; '' uses the code of
        the class.
    """

    code = 'error'

    def __init__(self, message: str = '', code: str = '') -> None:
        super().__init__(message)
        if code:
            self.code = code


class ConfigurationError(EdgeTrtError):
    """An invalid parameter, build option or command-line value."""

    code = 'configuration'


class ModelError(EdgeTrtError):
    """An ONNX file that cannot be read or is not supported."""

    code = 'model'


class ManifestError(EdgeTrtError):
    """A manifest that is missing, malformed, or for another engine, version or machine."""

    code = 'manifest'


class EngineError(EdgeTrtError):
    """An engine file or a back end that cannot be opened on this machine."""

    code = 'engine'


class MissingLibraryError(EdgeTrtError):
    """A library that is not installed, or cannot be loaded; says what installs it."""

    code = 'library_missing'


class ImageError(EdgeTrtError):
    """An image whose bytes do not match its description, or whose encoding is unknown."""

    code = 'image'


class BagError(EdgeTrtError):
    """A bag that cannot be read or written, or does not contain a requested topic."""

    code = 'bag'


class NetworkOutputError(EdgeTrtError):
    """Outputs of a network that are not finite or do not have the expected shape."""

    code = 'network_output'


class BuildError(EdgeTrtError):
    """A failed build of an engine; the installed engine is unchanged."""

    code = 'build'


class BuildCanceledError(BuildError):
    """A build that the user canceled."""

    code = 'canceled'


def described(error: BaseException) -> str:
    """Return the message of an error, followed by its code in brackets, if any."""
    return f'{error} [{error.code}]' if isinstance(error, EdgeTrtError) else str(error)


def first_line(error: BaseException) -> str:
    """Return the class and the first line of the message of another library's error."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f'{type(error).__name__}: {lines[0]}' if lines else type(error).__name__
