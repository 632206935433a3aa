"""
The manifest: what an engine file is, as JSON next to it (`<engine>.json`).

An engine is code to the library that loads it, so the manifest is checked before a byte of
the engine is deserialised. What the model is (inputs, head, labels) is stored here and nowhere
else; the parameters of a node hold only what an operator tunes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
import json
from pathlib import Path
from typing import Any

from edge_trt_ros.errors import EngineError, ManifestError
from edge_trt_ros.files import sha256_hex
from edge_trt_ros.network_input import (check_inputs, ImageInput, input_to_dict, NetworkInput,
                                        TextInput)
from edge_trt_ros.tensor_spec import TensorSpec

SCHEMA_VERSION = 2
MAX_LABELS = 65536
# Of one input or output: more is no tensor of a network that runs on a robot.
MAX_TENSOR_BYTES = 1 << 31
REBUILD = 'rebuild it with `ros2 run edge_trt_ros build_engine MODEL.onnx -o ENGINE`'


@dataclass(frozen=True)
class EngineManifest:
    """
    Identity of one engine file, and what goes in and comes out.

    :param engine_sha256: hash of the engine file's bytes, hexadecimal.
    :param engine_size_bytes: its size.
    :param onnx_sha256: hash of the ONNX that it was built from; '' if it was not built from one.
    :param plan: what decided the build (`convert.plan.PlanIdentity`): the build options under
        'options', the hash of the calibration images, library and device.
    :param plan_key: hash of the plan.
    :param backend: the library that runs it: 'onnxruntime', 'tensorrt', 'tensorrt_rtx'.
    :param backend_version: version of that library at build time.
    :param platform: operating system and processor, as 'linux-x86_64'.
    :param target: what it runs on: 'compute_capabilities' (an empty list names all that the
        library supports), 'gpu' and 'driver' that it was built with.
    :param layers: what was really built: 'precisions' (name to number of layers), 'layers' (how
        many in all) and 'source' (who counted them).
    :param inputs: the network's input tensors.
    :param outputs: the engine's output tensors.
    :param input_kinds: what the network reads and how that fills `inputs`.
    :param head: the output format of the network (a name in `heads.HEADS`).
    :param decoder: how the engine's outputs become results: a format of `vision.tasks` if the
        head is part of the engine's graph, or the head's own name if it is decoded on the host.
    :param task: what the network is for, as 'detect' (a name in `vision.tasks.TASKS`).
    :param labels: class names; the index is the class.
    :param verification: what was compared at build time, and how far it was off.
    :param build_seconds: duration of the build.
    :param built_at: UTC time of the build, ISO 8601.
    :param decoding: of a head that is decoded on the host: 'roles' (its inputs to the engine's
        outputs) and 'options' of its decoder.
    """

    engine_sha256: str
    engine_size_bytes: int
    onnx_sha256: str
    plan: Mapping[str, Any]
    plan_key: str
    backend: str
    backend_version: str
    platform: str
    target: Mapping[str, Any]
    layers: Mapping[str, Any]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    input_kinds: tuple[NetworkInput, ...]
    head: str
    decoder: str
    task: str
    labels: tuple[str, ...]
    verification: Mapping[str, Any]
    build_seconds: float
    built_at: str
    decoding: Mapping[str, Any] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        if not 0 <= self.engine_size_bytes:
            raise ManifestError(f'engine_size_bytes is {self.engine_size_bytes}: {REBUILD}')
        if len(self.labels) > MAX_LABELS:
            raise ManifestError(f'{len(self.labels)} labels are stated, expected at most '
                                f'{MAX_LABELS}: {REBUILD}')
        if not self.inputs or not self.outputs:
            raise ManifestError(f'an engine needs inputs and outputs, stated are '
                                f'{len(self.inputs)} and {len(self.outputs)}: {REBUILD}')
        for spec in (*self.inputs, *self.outputs):
            if -1 not in spec.shape and spec.size_bytes > MAX_TENSOR_BYTES:
                raise ManifestError(f'the tensor {spec} has {spec.size_bytes} bytes, expected at '
                                    f'most {MAX_TENSOR_BYTES}: {REBUILD}')
        check_inputs(self.input_kinds, self.inputs)

    @property
    def options(self) -> Mapping[str, Any]:
        """The build options by name, as plain values; empty if it was not built here."""
        return dict(self.plan.get('options', {}))

    @property
    def head_runs_in(self) -> str:
        """Where the head runs: 'engine' as part of its graph, or 'host'."""
        return 'host' if self.decoder == self.head and self.decoding else 'engine'

    @property
    def image_input(self) -> ImageInput:
        """
        How pixels become the input.

        :raises EngineError: if the network reads no image.
        """
        for one in self.input_kinds:
            if isinstance(one, ImageInput):
                return one
        raise EngineError(f"the engine's task is '{self.task}', and its network reads no image: "
                          'use an engine of a network for images')

    @property
    def text_input(self) -> TextInput | None:
        """How a text becomes the input; None if the network reads no texts."""
        return next((one for one in self.input_kinds if isinstance(one, TextInput)), None)

    def input_shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of an input tensor for one sample, by its name."""
        return next(one.shape(name) for one in self.input_kinds if name in one.tensors)

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest as plain values."""
        return {**asdict(self), 'input_kinds': [input_to_dict(one) for one in self.input_kinds]}

    def to_json(self) -> str:
        """Return the manifest as indented JSON text with a closing newline."""
        return json.dumps(self.to_dict(), indent=2) + '\n'

    def check_engine(self, engine: bytes, engine_path: Path) -> None:
        """
        Reject an engine that is not the one described.

        :param engine: the whole content of the file.
        :param engine_path: its path, for the message.
        :raises ManifestError: if size or hash differ.
        """
        if len(engine) != self.engine_size_bytes:
            raise ManifestError(
                f'{engine_path} has {len(engine)} bytes, but its manifest describes '
                f'{self.engine_size_bytes}: the file is truncated or of another build; {REBUILD}')
        found = sha256_hex(engine)
        if found != self.engine_sha256:
            raise ManifestError(
                f'{engine_path} has sha256 {found[:12]}..., but its manifest describes '
                f'{self.engine_sha256[:12]}...: the file is damaged or of another build; '
                f'{REBUILD}')


def manifest_path(engine_path: Path) -> Path:
    """Return the path of an engine's manifest: the engine's path with `.json` appended."""
    return engine_path.with_name(engine_path.name + '.json')
