# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The options of a build: everything besides the ONNX file that determines the engine.

Each option is declared once. The ROS parameters of the builder node, the options of the command
line, the hash of a plan and the tables of the documentation are derived from these fields.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
import re
from typing import Any

from edge_trt_ros.convert.contract_file import contract_from_file
from edge_trt_ros.convert.labels import labels_from_file
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.heads import Given
from edge_trt_ros.manifest import MAX_BATCH, MAX_LABELS
from edge_trt_ros.runtime.select import BACKEND_CHOICES
from edge_trt_ros.settings import check_settings, setting
from edge_trt_ros.tensor_contract import TensorContract
from edge_trt_ros.tensor_contract_text import contract_from_text
from edge_trt_ros.vision.tasks import TASKS

PRECISIONS = ('fp32', 'fp16', 'bf16', 'int8', 'best')
CALIBRATION_METHODS = ('moving_average', 'min_max', 'percentile')
# Maximum K of TensorRT's TopK layer.
MAX_CANDIDATES = 3840


def shape_from_text(text: str) -> tuple[int, ...]:
    """
    Read a shape such as '1x3x640x640'; an empty text is an empty shape.

    :raises ConfigurationError: if the text is not integers separated by 'x'.
    """
    try:
        return tuple(int(length) for length in text.split('x')) if text else ()
    except ValueError:
        raise ConfigurationError(
            f"input_shape is '{text}', expected numbers such as 1x3x640x640") from None


def numbers_from_text(text: str) -> tuple[float, ...]:
    """
    Read numbers such as '12,16,19.5'; an empty text is an empty tuple.

    :raises ConfigurationError: if the text is not numbers separated by commas.
    """
    try:
        return tuple(float(number) for number in text.split(',')) if text else ()
    except ValueError:
        raise ConfigurationError(
            f"anchors are '{text}', expected numbers such as 12,16,19,36") from None


@dataclass(frozen=True)
class BuildOptions:
    """
    What to build; the same options and the same ONNX file produce the same engine.

    The declaration of each field describes it. `input_shape` is (batch, channels, height,
    width) or (batch, tokens); `anchors_wh` is the width and height of each anchor in pixels.

    :raises ConfigurationError: with the option, its value and the allowed values.
    """

    backend: str = setting(
        'auto', 'Library that runs the engine; auto selects the best on this machine.', live=True,
        choices=BACKEND_CHOICES)
    precision: str = setting(
        'fp32', 'Precision of the network; best selects int8 or fp16 where that is faster.',
        live=True, choices=PRECISIONS)
    input_shape: tuple[int, ...] = setting(
        (), 'Input shape of an ONNX with dynamic axes: batch, channels, height, width such as '
        '1x3x640x640, or 1x128 for texts.', live=True, parse=shape_from_text,
        metavar='1x3x640x640')
    max_batch: int = setting(
        1, 'Maximum number of images that a GPU runs together, for several cameras. More than 1 '
        'needs a head that the GPU decodes.', live=True, limits=(1, MAX_BATCH), metavar='N')
    max_candidates: int = setting(
        1000, 'Maximum number of candidate boxes per image, before NMS.', live=True,
        limits=(1, MAX_CANDIDATES), metavar='K')
    labels: tuple[str, ...] = setting(
        (), 'Text file with one label per line, or a YAML file with names; empty uses the labels '
        'in the ONNX.', live=True, parse=labels_from_file, is_path=True,
        parameter='labels_file_path', metavar='FILE')
    anchors_wh: tuple[float, ...] = setting(
        (), 'Anchors in pixels, such as 12,16,19,36, for a YOLO exported without grid.', live=True,
        parse=numbers_from_text, parameter='anchors', flag='--anchors', metavar='W,H,...')
    input_contract: str = setting(
        '', 'Preprocessing of pixels as JSON, such as {"color_order": "bgr", "scale": 1.0}; empty '
        "uses the ONNX metadata, or the defaults of the network's family.", live=True,
        metavar='JSON')
    tensor_contract: str = setting(
        '', 'YAML file that describes all inputs and outputs of a network with several inputs or '
        'without a picture: the task tensors.', live=True, parse=contract_from_file, is_path=True,
        parameter='tensor_contract_file_path', metavar='FILE')
    depth: str = setting(
        '', 'What a depth network returns: metric is metres, relative is larger for what is '
        'nearer; empty uses the ONNX metadata.', live=True, choices=('', 'metric', 'relative'))
    task: str = setting(
        '', 'Task of the network; empty uses the ONNX metadata.', live=True,
        choices=('', *TASKS))
    calibration: str = setting(
        '', 'Folder of images, or bag, for the calibration of int8 and for fp16 networks that '
        'overflow.', live=True, is_path=True, metavar='DIR|BAG')
    calibration_topic: str = setting(
        '', 'Image topic of the bag; empty uses the only image topic.', live=True, metavar='TOPIC')
    calibration_images: int = setting(
        200, 'Number of calibration images, evenly spread.', live=True, limits=(1, 100_000),
        metavar='N')
    calibration_method: str = setting(
        'moving_average', 'How the ranges of all calibration images are combined.', live=True,
        choices=CALIBRATION_METHODS)
    max_accuracy_drop: float = setting(
        0.05, 'Share of boxes that int8 may lose before layers fall back to fp16.', live=True,
        limits=(0.0, 1.0), metavar='SHARE')
    verification: str = setting(
        '', 'Folder of images, or bag, to compare the engine with its ONNX on, in addition to the '
        'images of this package and to those of the calibration.', live=True, is_path=True,
        flag='--images', metavar='DIR|BAG')
    require_verification: bool = setting(
        False, 'Refuse an engine if nothing was detected on any of the images.', live=True)
    workspace_mb: int = setting(
        0, 'Maximum workspace memory of TensorRT in MiB; 0 sets no limit.', live=True,
        limits=(0, 1 << 20), metavar='MIB')
    compute_capabilities: tuple[str, ...] = setting(
        (), 'With tensorrt_rtx: compute capabilities of the target GPUs, such as 8.6; an empty '
        'list builds for all.', live=True, flag='--compute-capability', metavar='8.6')
    hardware_compatible: bool = setting(
        False, 'With tensorrt: build for all GPUs from compute capability 8.0 on.', live=True)
    version_compatible: bool = setting(
        False, 'With tensorrt: build for later versions of the library as well.', live=True)
    sparsity: bool = setting(
        False, 'Allow kernels for 2:4 sparse weights; the weights must be pruned.', live=True)
    dla: bool = setting(
        False, 'Build for a DLA (Jetson); layers that it does not support run on the GPU.',
        live=True)

    def __post_init__(self) -> None:
        check_settings(self)
        shape = self.input_shape
        if shape and (len(shape) not in (2, 4) or min(shape) < 1 or shape[0] != 1
                      or len(shape) == 4 and shape[1] != 3):
            raise ConfigurationError(
                f'input_shape is {list(shape)}, expected 1, 3, height and width, or 1 and the '
                'length of a text (or nothing, to take what the ONNX states)')
        if self.contract and (self.task not in ('', 'tensors') or shape or self.input_contract):
            raise ConfigurationError(
                'a tensor contract states the inputs, so that the task is tensors, and '
                f"input_shape and input_contract stay empty; given are the task '{self.task}', "
                f"{list(shape)} and '{self.input_contract}'", code='contract_invalid')
        for capability in self.compute_capabilities:
            if not re.fullmatch(r'\d+\.\d', capability):
                raise ConfigurationError(
                    f"compute_capabilities holds '{capability}', expected numbers such as 8.6")
        if len(self.labels) > MAX_LABELS:
            raise ConfigurationError(
                f'{len(self.labels)} labels given, expected at most {MAX_LABELS}')

    @property
    def contract(self) -> TensorContract | None:
        """The tensor contract; None if there is none."""
        return contract_from_text(self.tensor_contract) if self.tensor_contract else None

    @property
    def given(self) -> Given:
        """What the user states about the network, for its recognition."""
        return Given(self.task or ('tensors' if self.tensor_contract else ''), self.labels,
                     self.anchors_wh, self.depth)

    def to_dict(self) -> dict[str, Any]:
        """Return the options as JSON values, as a manifest stores them."""
        return {name: list(value) if isinstance(value, tuple) else value
                for name, value in asdict(self).items()}


def options_from_dict(stored: Any) -> BuildOptions:
    """
    Return the options that a manifest stores; a missing option keeps its default.

    :param stored: a result of `BuildOptions.to_dict`.
    :raises ConfigurationError: if a value is not allowed.
    """
    known = BuildOptions().to_dict()
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(known[name], list) else value
        for name, value in stored.items() if name in known}
    return BuildOptions(**values)
