# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The library that builds engines on this machine, with its version and GPU."""

from __future__ import annotations

from dataclasses import dataclass

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.runtime.onnxruntime_cpu import VERSION
from edge_trt_ros.runtime.select import best_backend, ONNXRUNTIME
from edge_trt_ros.runtime.tensorrt.device import find_gpu
from edge_trt_ros.runtime.tensorrt.library import load_tensorrt, TensorRt


@dataclass(frozen=True)
class Toolchain:
    """
    A library that builds.

    :param backend: its name in a manifest.
    :param version: its version.
    :param device: name and compute capability of the GPU that the engine is bound to; '' if
        it is bound to none.
    :param tensorrt: the library, if it is a TensorRT.
    """

    backend: str
    version: str
    device: str = ''
    tensorrt: TensorRt | None = None

    def compute_capabilities(self, options: BuildOptions) -> tuple[str, ...]:
        """Return the compute capabilities that the engine must support, as far as known."""
        built_on = self.device.split()[-1:]
        return options.compute_capabilities or tuple(built_on)


def find_toolchain(options: BuildOptions) -> Toolchain:
    """
    Return the library that builds an engine with these options.

    :param options: the build options; their back end 'auto' selects the best library here.
    :raises EngineError: if the requested library is not installed.
    """
    backend = best_backend() if options.backend == 'auto' else options.backend
    if backend == ONNXRUNTIME:
        return Toolchain(ONNXRUNTIME, VERSION)
    library = load_tensorrt(backend)
    gpu = None if library.is_rtx else find_gpu()
    device = f'{gpu.name} {gpu.compute_capability}' if gpu else ''
    return Toolchain(backend, library.version, device, library)
