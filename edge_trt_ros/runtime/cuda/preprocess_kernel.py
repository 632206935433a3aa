# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The CUDA kernel that converts the bytes of images to the network's input tensor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pycuda.driver as cuda

from edge_trt_ros.errors import EngineError
from edge_trt_ros.network_input import ImageInput
from edge_trt_ros.runtime.cuda.kernel_cache import cache_folder, cubin
from edge_trt_ros.runtime.cuda.session import CudaSession

SOURCE_PATH = Path(__file__).with_name('preprocess.cu')
# Numbers of the enumerators in preprocess.cu.
RESIZES = {'opencv': 0, 'pillow': 1, 'pillow_bicubic': 2}
ELEMENTS = {'float32': 0, 'float16': 1, 'bfloat16': 2, 'uint8': 3, 'int8': 4}

_BLOCK = (32, 8, 1)
_ARGUMENTS = 'PPiiiiif' + 6 * 'f'


class PreprocessKernel:
    """
    Applies letterbox, colour order, scale and layout in one launch, as the manifest states.

    :param session: the GPU; its context is current.
    :param image_input: size, colours, scale, mean, std and pad value.
    :param dtype: dtype of the input tensor.
    :raises EngineError: if the kernel cannot be compiled or does not support the dtype.
    """

    def __init__(self, session: CudaSession, image_input: ImageInput, dtype: str) -> None:
        if dtype not in ELEMENTS:
            raise EngineError(f"the engine's input is {dtype}, images can become "
                              f"{', '.join(ELEMENTS)}: build it from another ONNX")
        code = cubin(SOURCE_PATH.read_text(encoding='utf-8'), session.compute_capability,
                     cache_folder())
        self._module: Any = cuda.module_from_buffer(code)
        self._function: Any = self._module.get_function('letterbox')
        self._function.prepare(_ARGUMENTS)
        self._input, self._element = image_input, ELEMENTS[dtype]
        gain = [image_input.scale / std for std in image_input.std]
        offset = [-mean / std for mean, std in zip(image_input.mean, image_input.std)]
        self._affine = tuple(np.float32(value) for value in (*gain, *offset))

    def close(self) -> None:
        """Unload the kernel; the device's context must be current."""
        self._function = self._module = None

    def launch(self, stream: Any, memory: int, tensor: int, images: int) -> None:
        """
        Queue the kernel.

        :param stream: the PyCUDA stream.
        :param memory: device address of the images, which starts with the `frame_layout` of each.
        :param tensor: device address of the input tensor.
        :param images: number of images.
        """
        width, height = self._input.size_wh
        grid = (-(-width // _BLOCK[0]), -(-height // _BLOCK[1]), images)
        self._function.prepared_async_call(
            grid, _BLOCK, stream, memory, tensor, width, height,
            int(self._input.color_order == 'bgr'), self._element, RESIZES[self._input.resize],
            np.float32(self._input.pad_value), *self._affine)
