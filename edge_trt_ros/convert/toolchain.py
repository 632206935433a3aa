"""What builds an engine here: the library that a recipe asks for, its version, its GPU."""

from __future__ import annotations

from dataclasses import dataclass

from edge_trt_ros.convert.options import ConversionRecipe
from edge_trt_ros.runtime.onnxruntime_cpu import BACKEND, VERSION
from edge_trt_ros.runtime.select import best_backend
from edge_trt_ros.runtime.tensorrt.device import find_gpu
from edge_trt_ros.runtime.tensorrt.library import load_tensorrt, TensorRt


@dataclass(frozen=True)
class Toolchain:
    """
    A library that builds.

    :param backend: as a manifest names it.
    :param version: the library's version.
    :param device: name and compute capability of the GPU that the engine is bound to; '' where
        it is bound to none.
    :param tensorrt: the library, if it is a TensorRT.
    """

    backend: str
    version: str
    device: str = ''
    tensorrt: TensorRt | None = None

    def compute_capabilities(self, recipe: ConversionRecipe) -> tuple[str, ...]:
        """Return those that the engine must run on, as far as they are known now."""
        built_on = self.device.split()[-1:]
        return recipe.compute_capabilities or tuple(built_on)

    def cache_key(self, recipe: ConversionRecipe, source_sha256: str,
                  calibration_sha256: str) -> str:
        """Return what changes with everything that changes the engine (see the recipe)."""
        return recipe.cache_key(source_sha256, calibration_sha256,
                                f'{self.backend} {self.version}', self.device)


def find_toolchain(recipe: ConversionRecipe) -> Toolchain:
    """
    Return what builds a recipe here.

    :raises EngineError: if the library that it asks for is not installed.
    """
    backend = best_backend() if recipe.backend == 'auto' else recipe.backend
    if backend == BACKEND:
        return Toolchain(BACKEND, VERSION)
    library = load_tensorrt(backend)
    gpu = None if library.is_rtx else find_gpu()
    device = f'{gpu.name} {gpu.compute_capability}' if gpu else ''
    return Toolchain(backend, library.version, device, library)
