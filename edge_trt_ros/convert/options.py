"""The recipe: everything that decides what is built from an ONNX file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
import hashlib
import json
import re
from typing import Any

from edge_trt_ros.errors import ConfigurationError

BACKENDS = ('auto', 'tensorrt', 'tensorrt_rtx', 'onnxruntime')
PRECISIONS = ('fp32', 'fp16', 'bf16', 'int8', 'best')
CALIBRATION_METHODS = ('moving_average', 'min_max', 'percentile')
TASKS = ('', 'detect', 'classify', 'semantic', 'segment', 'pose', 'obb', 'text', 'tensors')
MAX_LABELS = 65536
_MAX_WORKSPACE_MB = 1 << 20


@dataclass(frozen=True)
class ConversionRecipe:
    """
    What to build. Two equal recipes on the same ONNX give the same engine.

    :param backend: the library that will run the engine; 'auto' takes the best one here.
    :param precision: arithmetic of the network (see `convert.precision`).
    :param input_shape: batch, channels, height, width (or batch and length of texts) to fix an
        ONNX of open dimensions to; empty takes what the ONNX states.
    :param max_candidates: boxes that the fused head hands to the CPU for each image.
    :param labels: class names; empty takes those in the ONNX metadata.
    :param anchors_wh: sizes of anchors in pixels, for a detector exported without its grid.
    :param input_contract: how pixels become the input, as JSON with fields of
        `manifest.InputContract`; '' takes what the ONNX metadata states, or what is usual.
    :param task: what the network is for; '' takes what the ONNX metadata states. 'tensors'
        hands its outputs on as they are.
    :param calibration: folder of images, or a bag, of what the robot will see; '' for none.
    :param calibration_topic: image topic of the bag; '' takes the only one.
    :param calibration_images: how many of them are used, evenly spread.
    :param calibration_method: one of `CALIBRATION_METHODS`.
    :param max_accuracy_drop: share of the boxes of float32 that int8 may lose, 0 to 1, before
        layers are left in higher precision.
    :param workspace_mb: scratch memory that TensorRT may use, in MiB; 0 sets no limit.
    :param compute_capabilities: GPUs that TensorRT for RTX builds for, as '8.6'; none gives an
        engine for all of them.
    :param hardware_compatible: TensorRT builds for every GPU from compute capability 8.0 on.
    :param version_compatible: TensorRT builds for later versions of itself, too.
    :param sparsity: the weights are pruned 2 of 4, and the library may use kernels that skip
        the zeros.
    :param dla: TensorRT builds for a deep learning accelerator (Jetson), and what that lacks
        for the GPU.
    :raises ConfigurationError: naming the field, its value and what is allowed.
    """

    backend: str = 'auto'
    precision: str = 'fp32'
    input_shape: tuple[int, ...] = ()
    max_candidates: int = 1000
    labels: tuple[str, ...] = ()
    anchors_wh: tuple[float, ...] = ()
    input_contract: str = ''
    task: str = ''
    calibration: str = ''
    calibration_topic: str = ''
    calibration_images: int = 200
    calibration_method: str = 'moving_average'
    max_accuracy_drop: float = 0.05
    workspace_mb: int = 0
    compute_capabilities: tuple[str, ...] = ()
    hardware_compatible: bool = False
    version_compatible: bool = False
    sparsity: bool = False
    dla: bool = False

    def __post_init__(self) -> None:
        for name, value, known in (('backend', self.backend, BACKENDS),
                                   ('precision', self.precision, PRECISIONS),
                                   ('calibration_method', self.calibration_method,
                                    CALIBRATION_METHODS)):
            if value not in known:
                raise ConfigurationError(
                    f"{name} is '{value}', but this installation builds: {', '.join(known)}")
        if self.task not in TASKS:
            raise ConfigurationError(f"task is '{self.task}', known are {', '.join(TASKS[1:])} "
                                     '(or nothing, to take what the ONNX states)')
        shape = self.input_shape
        if shape and (len(shape) not in (2, 4) or min(shape) < 1 or shape[0] != 1
                      or len(shape) == 4 and shape[1] != 3):
            raise ConfigurationError(
                f'input_shape is {list(shape)}, expected 1, 3, height and width, or 1 and the '
                'length of a text (or nothing, to take what the ONNX states)')
        # TensorRT's TopK layer takes at most 3840.
        if not 1 <= self.max_candidates <= 3840:
            raise ConfigurationError(
                f'max_candidates is {self.max_candidates}, expected 1 to 3840')
        if not 1 <= self.calibration_images <= 100_000:
            raise ConfigurationError(
                f'calibration_images is {self.calibration_images}, expected 1 to 100000')
        if not 0 <= self.max_accuracy_drop <= 1:
            raise ConfigurationError(
                f'max_accuracy_drop is {self.max_accuracy_drop}, expected 0 to 1')
        if not 0 <= self.workspace_mb <= _MAX_WORKSPACE_MB:
            raise ConfigurationError(f'workspace_mb is {self.workspace_mb}, expected 0 (no limit) '
                                     f'to {_MAX_WORKSPACE_MB}')
        for capability in self.compute_capabilities:
            if not re.fullmatch(r'\d+\.\d', capability):
                raise ConfigurationError(
                    f"compute_capabilities holds '{capability}', expected numbers such as 8.6")
        if len(self.labels) > MAX_LABELS:
            raise ConfigurationError(
                f'{len(self.labels)} labels given, expected at most {MAX_LABELS}')

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain values, as the manifest stores it."""
        values = asdict(self)
        for name in ('input_shape', 'labels', 'anchors_wh', 'compute_capabilities'):
            values[name] = list(values[name])
        return values

    def cache_key(self, source_sha256: str, calibration_sha256: str, library: str,
                  device: str) -> str:
        """
        Return 64 hexadecimal digits that change with whatever changes the engine.

        :param source_sha256: hash of the ONNX.
        :param calibration_sha256: hash of the calibration images, '' for none.
        :param library: name and version of what builds.
        :param device: the GPU that it builds on, '' for none.
        """
        text = json.dumps([2, source_sha256, calibration_sha256, library, device,
                           self.to_dict()], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def shape_from_text(text: str) -> tuple[int, ...]:
    """
    Read a shape such as '1x3x640x640'; an empty text gives an empty shape.

    :raises ConfigurationError: if it is not numbers with x between them.
    """
    try:
        return tuple(int(length) for length in text.split('x')) if text else ()
    except ValueError:
        raise ConfigurationError(
            f"input_shape is '{text}', expected numbers such as 1x3x640x640") from None


def numbers_from_text(text: str) -> tuple[float, ...]:
    """
    Read numbers such as '12,16,19.5'; an empty text gives none.

    :raises ConfigurationError: if it is not numbers with commas between them.
    """
    try:
        return tuple(float(number) for number in text.split(',')) if text else ()
    except ValueError:
        raise ConfigurationError(
            f"anchors are '{text}', expected numbers such as 12,16,19,36") from None
