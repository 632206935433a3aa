"""The recipe: everything that decides what is built from an ONNX file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
import hashlib
import json
from pathlib import Path
from typing import Any

from edge_trt_ros.errors import ConfigurationError

BACKENDS = ('auto', 'onnxruntime')
PRECISIONS = ('fp32',)
TASKS = ('', 'detect', 'classify', 'semantic', 'segment', 'pose', 'obb', 'tensors')
MAX_LABELS = 65536


@dataclass(frozen=True)
class ConversionRecipe:
    """
    What to build. Two equal recipes on the same ONNX give the same engine.

    :param backend: the library that will run the engine; 'auto' takes the best one here.
    :param precision: arithmetic of the network. The CPU back end computes in 'fp32'.
    :param input_shape: batch, channels, height, width to fix an ONNX of open dimensions to;
        empty takes what the ONNX states.
    :param max_candidates: boxes that the fused head hands to the CPU for each image.
    :param labels: class names; empty takes those in the ONNX metadata.
    :param task: what the network is for; '' takes what the ONNX metadata states. 'tensors'
        hands its outputs on as they are.
    :raises ConfigurationError: naming the field, its value and what is allowed.
    """

    backend: str = 'auto'
    precision: str = 'fp32'
    input_shape: tuple[int, ...] = ()
    max_candidates: int = 1000
    labels: tuple[str, ...] = ()
    task: str = ''

    def __post_init__(self) -> None:
        for name, value, known in (('backend', self.backend, BACKENDS),
                                   ('precision', self.precision, PRECISIONS)):
            if value not in known:
                raise ConfigurationError(
                    f"{name} is '{value}', but this installation builds: {', '.join(known)}")
        if self.task not in TASKS:
            raise ConfigurationError(f"task is '{self.task}', known are {', '.join(TASKS[1:])} "
                                     '(or nothing, to take what the ONNX states)')
        shape = self.input_shape
        if shape and (len(shape) != 4 or min(shape) < 1 or shape[0] != 1 or shape[1] != 3):
            raise ConfigurationError(
                f'input_shape is {list(shape)}, expected 1, 3, height and width '
                '(or nothing, to take what the ONNX states)')
        # TensorRT's TopK layer takes at most 3840.
        if not 1 <= self.max_candidates <= 3840:
            raise ConfigurationError(
                f'max_candidates is {self.max_candidates}, expected 1 to 3840')
        if len(self.labels) > MAX_LABELS:
            raise ConfigurationError(
                f'{len(self.labels)} labels given, expected at most {MAX_LABELS}')

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain values, as the manifest stores it."""
        values = asdict(self)
        for name in ('input_shape', 'labels'):
            values[name] = list(values[name])
        return values

    def cache_key(self, source_sha256: str) -> str:
        """Return 64 hexadecimal digits that change with the recipe or the ONNX."""
        text = json.dumps([1, source_sha256, self.to_dict()], sort_keys=True)
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


def labels_from_file(path: str) -> tuple[str, ...]:
    """
    Read one label a line; an empty path gives none.

    :raises ConfigurationError: if the file cannot be read or holds an empty line in between.
    """
    if not path:
        return ()
    try:
        lines = Path(path).expanduser().read_text(encoding='utf-8').rstrip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f'labels_file_path {path} cannot be read: {error}') from error
    labels = tuple(line.strip() for line in lines)
    if not labels or not all(labels):
        raise ConfigurationError(f'{path} holds no labels, or an empty line between them')
    return labels
