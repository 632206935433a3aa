"""
What a head is: one output format of networks, with everything that this package knows of it.

A head is an object: how it is recognised, what it needs from the user, how its networks expect
their pixels, what it appends to the graph, how NumPy decodes it, and its row of the
documentation. Nothing here needs onnx or a GPU: recognition looks at a `Network`, and appending
writes through a `Tail`, both of which `convert.graph` implements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from edge_trt_ros.tensor_spec import TensorSpec

FLOATS = ('float32', 'float16')
INTEGERS = ('int32', 'int64')
# Names in `Network.adapted`, and of the tensors that adapting makes outputs.
TARGET_SIZES = 'orig_target_sizes'
PLUGIN_BOXES = ('efficient_nms/corners', 'efficient_nms/centres')
PLUGIN_SCORES = 'efficient_nms/scores'


class Network(Protocol):
    """What recognition looks at: the outputs of a network, its metadata and its operators."""

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The outputs, in the network's order."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """The metadata properties of its file."""

    @property
    def adapted(self) -> tuple[str, ...]:
        """What was changed before: names of `convert.graph.adapt`."""

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of its image in pixels; (0, 0) if it reads no image."""

    @property
    def input_text(self) -> str:
        """Its inputs, for messages."""

    def makers(self, tensors: Sequence[str]) -> set[str]:
        """Return the operators that compute tensors, those that only move values skipped."""

    def operators_before(self, tensor: str) -> set[str]:
        """Return the operators between a tensor and the convolutions before it."""

    def has_operator(self, name: str) -> bool:
        """Return whether an operator occurs, in branches and loops as well."""


class Tail(Protocol):
    """Appends nodes to a graph; every method returns the name of a tensor."""

    def node(self, operator: str, inputs: list[str], *outputs: str, **attributes: Any) -> str:
        """Append a node of ONNX; returns its last output."""

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

    :param classes: number of classes in this reading; 0 if the shapes do not show it.
    :param rows: how many boxes (or classes, or values) the head has for each image.
    :param roles: for each input of the decoder the output that it is; empty passes the outputs
        on under their own names.
    :param image_input: fields of `ImageInput` that differ from Ultralytics' usual ones.
    :param needs_labels: whether only labels make the reading certain.
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
    What a user states besides the network.

    :param task: what the network is for; '' takes its metadata.
    :param labels: class names; empty takes those of the metadata.
    :param anchors_wh: sizes of anchors in pixels.
    """

    task: str = ''
    labels: tuple[str, ...] = ()
    anchors_wh: tuple[float, ...] = ()


@dataclass(frozen=True)
class RecognisedHead:
    """
    The head of one network.

    :param head: the head.
    :param task: what the network is for.
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
        """How many boxes (or classes, or values) the head has for each image."""
        return self.reading.rows

    def shape(self, role: str = 'output') -> tuple[int, ...]:
        """Return the shape of the output of a role."""
        return self.reading.roles[role].shape

    def decode(self, outputs: Mapping[str, NDArray[Any]], letterbox: Any, thresholds: Any) -> Any:
        """
        Decode the network's own outputs with NumPy: the reference of every check.

        :param outputs: by their own names.
        :param letterbox: how the image was fitted into the network's input.
        :param thresholds: what to keep.
        :raises NetworkOutputError: for outputs that are not finite or have another shape.
        """
        by_role = {role: outputs[spec.name] for role, spec in self.reading.roles.items()}
        return self.head.decode(by_role or outputs, letterbox, thresholds, **self.reading.options)


Raw = Mapping[str, str]
Append = Callable[[Tail, RecognisedHead, Raw, tuple[int, int], int], None]


def _raw_as_it_is(tail: Tail, found: RecognisedHead, raw: Raw) -> Raw:
    return raw


def _as_read(network: Network, found: RecognisedHead, given: Given) -> RecognisedHead:
    return found


@dataclass(frozen=True)
class Head:
    """
    One output format.

    :param name: what a manifest calls it (`head`).
    :param tasks: the tasks of its networks (names of `vision.tasks.TASKS`).
    :param decoder: the format of `vision.tasks` that its appended nodes produce.
    :param outputs: what its networks end in, for messages and the documentation.
    :param networks: the networks that it belongs to, for the documentation.
    :param read: returns the ways in which a network could have this head.
    :param append: appends the decoding: (tail, head, outputs by role as float32, size_wh, K).
    :param decode: the NumPy reference: (outputs by role, letterbox, thresholds, **options).
    :param needs: what a user has to provide with the ONNX, for the documentation.
    :param prepare: changes the outputs by role before anything is appended or summed up.
    :param complete: adds what the user stated: labels, options of the decoder.
    :raises ValueError: if the name is no identifier.
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
    prepare: Callable[[Tail, RecognisedHead, Raw], Raw] = _raw_as_it_is
    complete: Callable[[Network, RecognisedHead, Given], RecognisedHead] = _as_read

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"the head's name is '{self.name}', expected an identifier")


def only_output(network: Network, dimensions: int = 3) -> TensorSpec | None:
    """Return the only output, if it is floating point, [1, ...] and of fixed shape."""
    fits = len(network.outputs) == 1 and is_fixed(network.outputs[0], FLOATS, dimensions)
    return network.outputs[0] if fits else None


def is_fixed(tensor: TensorSpec, dtypes: Sequence[str], dimensions: int) -> bool:
    """Return whether a tensor is of one image, of some dtypes and of fixed shape."""
    return tensor.dtype in dtypes and len(tensor.shape) == dimensions \
        and tensor.shape[0] == 1 and -1 not in tensor.shape


def all_float_and_fixed(network: Network) -> bool:
    """Return whether every output is floating point and of fixed shape."""
    return bool(network.outputs) and all(
        one.dtype in FLOATS and -1 not in one.shape for one in network.outputs)
