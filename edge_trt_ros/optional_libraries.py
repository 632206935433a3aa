# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Libraries that only some functions need: imported when they are used, explained if missing.

`require` is the only way to import them for the first time. After it, a module may import the
library, or modules of this package that do, in the ordinary way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
import os
from pathlib import Path
import sys
import sysconfig
from types import MappingProxyType
from typing import Any

from edge_trt_ros.errors import first_line, MissingLibraryError

# The flags of pip with which it installs for this user where it refuses otherwise.
FOR_THIS_USER = ' --user --break-system-packages'


@dataclass(frozen=True)
class OptionalLibrary:
    """
    A library that is not always installed.

    :param title: its name in sentences.
    :param packages: what pip installs, separated by spaces; '' if pip does not install it.
    :param remedy: how it is installed if not by pip; {distro} is the ROS distribution.
    :param code: error code if it is missing; '' is the name of the module with `_missing`.
    """

    title: str
    packages: str = ''
    remedy: str = ''
    code: str = ''

    @property
    def install(self) -> str:
        """What installs it on this machine, as the end of a sentence."""
        return pip_install(self.packages) if self.packages else self.remedy.format(
            distro=os.environ.get('ROS_DISTRO', 'jazzy'))


# By the top-level name of the Python module.
OPTIONAL_LIBRARIES: Mapping[str, OptionalLibrary] = MappingProxyType({
    'onnx': OptionalLibrary('onnx', 'onnx onnxruntime'),
    'onnxruntime': OptionalLibrary('ONNX Runtime', 'onnxruntime'),
    'ml_dtypes': OptionalLibrary('ml_dtypes', 'ml_dtypes'),
    'rosbags': OptionalLibrary('rosbags', 'rosbags'),
    'tokenizers': OptionalLibrary('tokenizers', 'tokenizers'),
    'tritonclient': OptionalLibrary('tritonclient', 'tritonclient[grpc]'),
    'distributed': OptionalLibrary('Dask', 'distributed'),
    'prometheus_client': OptionalLibrary('prometheus_client', 'prometheus_client'),
    'edgefirst': OptionalLibrary(
        'edgefirst-tracker', 'edgefirst-tracker', code='tracker_missing'),
    'trackers': OptionalLibrary('trackers', 'trackers', code='botsort_missing'),
    'supervision': OptionalLibrary('supervision', 'trackers'),
    'ultralytics': OptionalLibrary('Ultralytics (AGPL-3.0)', 'ultralytics'),
    'pycocotools': OptionalLibrary('pycocotools', 'pycocotools'),
    'cryptography': OptionalLibrary('cryptography', 'cryptography'),
    'torch': OptionalLibrary('PyTorch', 'torch onnxscript'),
    'onnxscript': OptionalLibrary('onnxscript', 'onnxscript'),
    'tensorflow': OptionalLibrary('TensorFlow', 'tensorflow tf2onnx'),
    'tf2onnx': OptionalLibrary('tf2onnx', 'tf2onnx'),
    'cv_bridge': OptionalLibrary(
        'cv_bridge', remedy='sudo apt install ros-{distro}-cv-bridge'),
    'vision_msgs': OptionalLibrary(
        'vision_msgs', remedy='sudo apt install ros-{distro}-vision-msgs'),
    'rclpy': OptionalLibrary(
        'ROS 2', remedy='run `source /opt/ros/{distro}/setup.bash`, or install ROS 2 first '
        '(sudo apt install ros-{distro}-ros-base)', code='ros_missing'),
})


def missing_code(name: str) -> str:
    """Return the error code if a library is missing, by its key in `OPTIONAL_LIBRARIES`."""
    return OPTIONAL_LIBRARIES[name].code or f'{name}_missing'


def require(module: str, purpose: str) -> Any:
    """
    Import an optional library and return the module.

    :param module: name of the module, such as 'onnx' or 'edgefirst.tracker'; its first part is
        a key of `OPTIONAL_LIBRARIES`.
    :param purpose: what needs it, the start of the message: 'tracking'.
    :raises MissingLibraryError: if it is not installed or cannot be loaded; says what installs
        it.
    """
    name = module.partition('.')[0]
    library = OPTIONAL_LIBRARIES[name]
    try:
        return import_module(module)
    except (ImportError, OSError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name in (name, module):
            raise MissingLibraryError(
                f'{purpose} needs {library.title}, which is not installed: {library.install}',
                code=missing_code(name)) from error
        raise MissingLibraryError(
            f'{purpose} needs {library.title}, which is installed but cannot be loaded '
            f'({first_line(error)}): {library.install}', code='library_broken') from error


def require_converter(purpose: str) -> None:
    """
    Check that the libraries of `convert` can be imported.

    :param purpose: what needs them, the start of the message: 'converting yolo.onnx'.
    :raises MissingLibraryError: for the first that is missing.
    """
    for library in ('onnx', 'onnxruntime', 'ml_dtypes'):
        require(library, purpose)


def require_ros(purpose: str) -> None:
    """
    Check that rclpy and the messages of the nodes can be imported.

    :param purpose: what needs them, the start of the message: 'this node'.
    :raises MissingLibraryError: for the first that is missing.
    """
    require('rclpy', purpose)
    require('vision_msgs', purpose)


def pip_install(packages: str) -> str:
    """
    Return the command that installs packages for the running Python.

    :param packages: names separated by spaces.
    """
    return f"pip install{FOR_THIS_USER if is_externally_managed() else ''} {packages}"


def is_externally_managed() -> bool:
    """
    Return whether pip refuses to install for the running Python without a flag (PEP 668).

    The system's Python of Ubuntu 24.04 and Debian 12 is; a virtual environment is not.
    """
    return sys.prefix == sys.base_prefix and managed_marker().exists()


def managed_marker() -> Path:
    """Return the file whose presence makes pip refuse (PEP 668)."""
    return Path(sysconfig.get_path('stdlib')) / 'EXTERNALLY-MANAGED'
