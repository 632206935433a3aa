# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Heads: a head is an object that describes one output format of networks.

It defines how the format is recognised, what it needs from the user, how its networks expect
pixels, which nodes are appended to the ONNX graph, and how NumPy decodes the outputs. It needs
neither onnx nor a GPU: recognition reads a `Network` and appending writes to a `Tail`;
`convert.graph` implements both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from edge_trt_ros.heads.device import WriteCode
from edge_trt_ros.tensor_spec import TensorSpec

FLOATS = ('float32', 'float16')
INTEGERS = ('int32', 'int64')
# Names in `Network.adapted`, and names of the tensors that adapting turns into outputs.
TARGET_SIZES = 'orig_target_sizes'
PLUGIN_BOXES = ('efficient_nms/corners', 'efficient_nms/centres')
PLUGIN_SCORES = 'efficient_nms/scores'


class Network(Protocol):
    """What recognition reads of a network: outputs, metadata and operators."""

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The outputs, in the network's order."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """The metadata properties of the ONNX file."""

    @property
    def adapted(self) -> tuple[str, ...]:
        """The adaptations made before recognition: names of `convert.graph.adapt`."""

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the image input in pixels; (0, 0) if there is none."""

    @property
    def input_text(self) -> str:
        """A description of the inputs, for messages."""

    def makers(self, tensors: Sequence[str]) -> set[str]:
        """Return the operators that compute tensors; skip those that only move values."""

    def concatenated(self, tensor: str) -> tuple[str, ...]:
        """Return the parts that are concatenated to a tensor; the tensor itself if none are."""

    def largest(self, tensor: str, columns: int) -> float:
        """Return the largest of the first columns of an output for noise; 0 if unknown."""

    def bias_lengths(self) -> set[int]:
        """Return the number of outputs of each convolution or matrix product with a bias."""

    def operators_before(self, tensor: str) -> set[str]:
        """Return the operators between a tensor and the convolutions before it."""

    def finds_peaks(self) -> bool:
        """Return whether a map is compared with the maximum of its neighbours."""

    def has_operator(self, name: str) -> bool:
        """Return whether an operator occurs, including in branches and loops."""


class Tail(Protocol):
    """Appends nodes to an ONNX graph; every method returns the name of a tensor."""

    def node(self, operator: str, inputs: list[str], *outputs: str, **attributes: Any) -> str:
        """Append an ONNX node; return its last output."""

    def cast(self, tensor: str, dtype: str, output: str = '') -> str:
        """Append a cast to 'float32' or 'int32'."""

    def constant(self, values: NDArray[Any]) -> str:
        """Add a constant."""

    def ints(self, *values: int) -> str:
        """Add a constant int64 vector."""

    def floats(self, *values: float) -> str:
        """Add a constant float32 vector."""

    def half(self) -> str:
        """Add a constant 0.5, float32."""

    def columns(self, tensor: str, start: int, stop: int, axis: int) -> str:
        """Append a slice of a tensor along one axis."""

    def rows(self, tensor: str, order: str, kept: int, columns: int) -> str:
        """Append the selection of rows of [1, N, columns] by indices [1, kept]."""


@dataclass(frozen=True)
class Reading:
    """
    One way to read a network's outputs.

    :param classes: number of classes; 0 if the shapes do not determine it.
    :param rows: number of boxes (or classes, or values) per image.
    :param roles: the network's output for each input of the decoder; if empty, the decoder gets
        the outputs by their own names.
    :param image_input: fields of `ImageInput` that differ from Ultralytics' defaults.
    :param needs_labels: whether the reading is ambiguous without labels.
    :param options: keyword arguments for `decode`.
    """

    classes: int
    rows: int
    roles: Mapping[str, TensorSpec] = field(default_factory=dict)
    image_input: Mapping[str, Any] = field(default_factory=dict)
    needs_labels: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Given:
    """
    What the user states in addition to the network.

    :param task: task of the network; '' uses the task in the metadata.
    :param labels: class names; empty uses the names in the metadata.
    :param anchors_wh: widths and heights of the anchors in pixels.
    :param depth: what the values of a depth network are: 'metric' or 'relative'.
    """

    task: str = ''
    labels: tuple[str, ...] = ()
    anchors_wh: tuple[float, ...] = ()
    depth: str = ''


@dataclass(frozen=True)
class RecognisedHead:
    """
    The recognised head of one network.

    :param head: the head.
    :param task: task of the network.
    :param labels: class names; the index is the class.
    :param reading: how its outputs are read.
    """

    head: Head
    task: str
    labels: tuple[str, ...]
    reading: Reading

    @property
    def name(self) -> str:
        """The head's name."""
        return self.head.name

    @property
    def rows(self) -> int:
        """Number of boxes (or classes, or values) per image."""
        return self.reading.rows

    def shape(self, role: str = 'output') -> tuple[int, ...]:
        """Return the shape of the output with a role."""
        return self.reading.roles[role].shape

    def decode(self, outputs: Mapping[str, NDArray[Any]], letterbox: Any, thresholds: Any) -> Any:
        """
        Decode the network's outputs with NumPy, as the reference of every check.

        :param outputs: outputs by name.
        :param letterbox: how the image was fitted into the network's input.
        :param thresholds: what to keep.
        :raises NetworkOutputError: for outputs that are not finite or have another shape.
        """
        by_role = {role: outputs[spec.name] for role, spec in self.reading.roles.items()}
        return self.head.decode(by_role or outputs, letterbox, thresholds, **self.reading.options)


Raw = Mapping[str, str]
Append = Callable[[Tail, RecognisedHead, Raw, tuple[int, int], int], None]


def _unchanged_outputs(tail: Tail, found: RecognisedHead, raw: Raw) -> Raw:
    return raw


def _unchanged_head(network: Network, found: RecognisedHead, given: Given) -> RecognisedHead:
    return found


@dataclass(frozen=True)
class Head:
    """
    One output format.

    :param name: name of the head in a manifest (`head`).
    :param tasks: tasks of its networks (names in `vision.tasks.TASKS`).
    :param decoder: format of `vision.tasks` that the appended nodes produce.
    :param outputs: description of the networks' outputs, for messages and the documentation.
    :param networks: networks with this head, for the documentation.
    :param read: returns all readings of a network by this head; empty if it does not fit.
    :param append: appends the decoding: (tail, head, outputs by role as float32, size_wh, K).
    :param decode: the NumPy reference: (outputs by role, letterbox, thresholds, **options).
    :param needs: what the user must provide in addition to the ONNX, for the documentation.
    :param prepare: changes the outputs by role before the decoding and the checksum are appended.
    :param complete: adds what the user states: labels, options of the decoder.
    :param on_device: writes the CUDA code that decodes the outputs on a GPU; None if the head is
        appended to the graph there as well.
    :raises ValueError: if the name is not an identifier.
    """

    name: str
    tasks: tuple[str, ...]
    decoder: str
    outputs: str
    networks: str
    read: Callable[[Network], Sequence[Reading]]
    append: Append
    decode: Callable[..., Any]
    needs: str = ''
    prepare: Callable[[Tail, RecognisedHead, Raw], Raw] = _unchanged_outputs
    complete: Callable[[Network, RecognisedHead, Given], RecognisedHead] = _unchanged_head
    on_device: WriteCode | None = None

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"the head's name is '{self.name}', expected an identifier")


def only_output(network: Network, dimensions: int = 3) -> TensorSpec | None:
    """Return the only output if it is floating point with a fixed shape [1, ...], else None."""
    fits = len(network.outputs) == 1 and is_fixed(network.outputs[0], FLOATS, dimensions)
    return network.outputs[0] if fits else None


def is_fixed(tensor: TensorSpec, dtypes: Sequence[str], dimensions: int) -> bool:
    """Return whether a tensor has a fixed shape [1, ...], one of the dtypes and the dimensions."""
    return tensor.dtype in dtypes and len(tensor.shape) == dimensions \
        and tensor.shape[0] == 1 and -1 not in tensor.shape


def all_float_and_fixed(network: Network) -> bool:
    """Return whether every output is floating point with a fixed shape."""
    return bool(network.outputs) and all(
        output.dtype in FLOATS and -1 not in output.shape for output in network.outputs)
