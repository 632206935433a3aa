# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What the checks read: the machine, and the outcome of importing the libraries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
import shutil
from typing import Any

from edge_trt_ros.doctor.host import Host
from edge_trt_ros.doctor.imports import Imported
from edge_trt_ros.runtime.tensorrt.library import TENSORRT_NAMES

MESSAGE_MODULES = (
    'builtin_interfaces.msg', 'diagnostic_msgs.msg', 'geometry_msgs.msg', 'lifecycle_msgs.msg',
    'rcl_interfaces.msg', 'sensor_msgs.msg', 'std_msgs.msg', 'std_srvs.srv', 'vision_msgs.msg')
# Of about the same duration, since each group has a process.
IMPORT_GROUPS = (
    ('rclpy', *MESSAGE_MODULES, 'cv_bridge', 'ament_index_python', 'launch', 'launch_ros', 'yaml',
     'rosbags.rosbag2', 'tokenizers', 'edgefirst.tracker', 'gpu', *TENSORRT_NAMES),
    ('numpy', 'cv2', 'psutil', 'tqdm', 'onnxruntime', 'onnx', 'pycocotools.mask', 'pycuda.driver',
     'cuda.bindings.driver', 'cuda.bindings.nvrtc'))


@dataclass(frozen=True)
class Surroundings:
    """
    What the checks read.

    :param host: the machine.
    :param imported: outcome of each module of `IMPORT_GROUPS`.
    :param params_file: parameter file of an engine builder; None for none.
    """

    host: Host
    imported: Mapping[str, Imported]
    params_file: Path | None = None

    def works(self, module: str) -> bool:
        """Return whether a module was imported."""
        return self.imported[module].works

    @cached_property
    def gpus(self) -> list[dict[str, Any]]:
        """The GPUs: name, compute_capability and driver (the CUDA version that it supports)."""
        found: list[dict[str, Any]] = list(self.imported['gpu'].facts.get('gpus', []))
        return found

    @cached_property
    def cuda_major(self) -> str:
        """Major number of the CUDA version that the driver supports; '' without a GPU."""
        return str(self.gpus[0]['driver']).partition('.')[0] if self.gpus else ''

    @cached_property
    def tensorrt(self) -> str:
        """The TensorRT that is installed, as the nodes select it; '' for none."""
        # A folder of that name in the working directory can be imported, but has no version.
        return next((name for name in TENSORRT_NAMES if self.imported[name].installed
                     and (self.imported[name].version or self.imported[name].error)), '')

    @cached_property
    def compiles_kernels(self) -> str:
        """The compiler of the preprocess kernel, 'NVRTC' or 'nvcc'; '' for none."""
        if self.imported['cuda.bindings.nvrtc'].facts.get('loads'):
            return 'NVRTC'
        return 'nvcc' if shutil.which('nvcc', path=self.host.environ.get('PATH', '')) else ''

    @cached_property
    def runs_on(self) -> str:
        """The back end that runs engines here: a TensorRT, 'onnxruntime', or '' for none."""
        if self.gpus and self.tensorrt and self.works(self.tensorrt) \
                and self.works('pycuda.driver') and self.compiles_kernels:
            return self.tensorrt
        return 'onnxruntime' if self.works('onnxruntime') else ''
