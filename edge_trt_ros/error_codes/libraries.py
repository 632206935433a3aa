# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The codes of libraries that are missing or do not fit."""

from __future__ import annotations

from edge_trt_ros.error_codes.error_code import ErrorCode
from edge_trt_ros.optional_libraries import missing_code, OPTIONAL_LIBRARIES

_RUN_THE_COMMAND = 'Run the command that the message contains.'
LIBRARIES = {
    **{missing_code(name): ErrorCode(f'{library.title} is needed, and not installed.',
                                     _RUN_THE_COMMAND)
       for name, library in OPTIONAL_LIBRARIES.items()},
    'cuda_mismatch': ErrorCode(
        'TensorRT is installed for another CUDA version than that of the driver.',
        'Run `doctor`, which shows the versions. Install the TensorRT for the CUDA of the '
        'driver; on a Jetson, that of its JetPack.'),
    'library_broken': ErrorCode(
        'A library is installed, but cannot be loaded: its files or its own libraries do not fit.',
        'The message contains the reason and the command that installs the library again.'),
    'pycuda_missing': ErrorCode(
        'PyCUDA is needed to run an engine on the GPU, and cannot be loaded.',
        'Install pycuda, built for the CUDA version of this machine.'),
    'tensorrt_missing': ErrorCode(
        'The TensorRT that the engine needs is not installed.',
        'The message says where this TensorRT comes from.'),
    'tensorrt_too_old': ErrorCode(
        'The installed TensorRT is older than 10.0.',
        'Install TensorRT 10 or later; on a Jetson it comes with JetPack 6 or later.'),
    'torchvision_missing': ErrorCode(
        'A torchvision model is to be exported, and torchvision is not installed.',
        _RUN_THE_COMMAND),
}
