# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The manifest: describes an engine file, as JSON next to it (`<engine>.json`).

An engine contains code that the library executes, so the manifest is checked before the engine is
deserialised. Only the manifest describes the model (inputs, head, labels); a node's parameters
are only for tuning.
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
from edge_trt_ros.tensor_contract import TensorContract
from edge_trt_ros.tensor_contract_text import contract_from_text
from edge_trt_ros.tensor_input import StateInput
from edge_trt_ros.tensor_spec import check_size_bytes, TensorSpec

SCHEMA_VERSION = 2
MAX_LABELS = 65536
MAX_BATCH = 32
REBUILD = 'rebuild it with `ros2 run edge_trt_ros build_engine MODEL.onnx -o ENGINE`'


@dataclass(frozen=True)
class EngineManifest:
    """
    Identity of one engine file, its inputs and its outputs.

    :param engine_sha256: hash of the engine file's bytes, hexadecimal.
    :param engine_size_bytes: size of the engine file.
    :param onnx_sha256: hash of the ONNX; '' if the engine was not built from an ONNX.
    :param plan: inputs of the build (`convert.plan.PlanIdentity`): the build options under
        'options', the hash of the calibration images, library and device.
    :param plan_key: hash of the plan.
    :param backend: library that runs the engine: 'onnxruntime', 'tensorrt', 'tensorrt_rtx'.
    :param backend_version: version of that library at build time.
    :param platform: operating system and processor architecture, as 'linux-x86_64'.
    :param target: target device: 'compute_capabilities' (an empty list means all that the
        library supports), and the 'gpu' and 'driver' of the build.
    :param layers: layers of the built engine: 'precisions' (number of layers per precision),
        'layers' (total number) and 'source' (origin of these numbers).
    :param inputs: the network's input tensors.
    :param outputs: the engine's output tensors.
    :param input_kinds: the network's inputs (image, text or tensors) and how they fill `inputs`.
    :param head: the output format of the network (a name in `heads.HEADS`).
    :param decoder: how the engine's outputs become results: a format of `vision.tasks` if the
        head is part of the engine, or the name of the head if it is decoded on the host.
    :param task: task of the network, as 'detect' (a name in `vision.tasks.TASKS`).
    :param labels: class names; the index is the class.
    :param verification: the comparisons at build time and their deviations.
    :param build_seconds: duration of the build.
    :param built_at: UTC time of the build, ISO 8601.
    :param decoding: for a head that the runtime decodes: 'roles' (maps the decoder's inputs to
        the engine's outputs) and 'options' of the decoder.
    :param schema_version: version of this format; older versions are read as well.
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
            if -1 not in spec.shape:
                check_size_bytes(spec)
        check_inputs(self.input_kinds, self.inputs)
        self._check_states()
        batch = self.options.get('max_batch', 1)
        if not isinstance(batch, int) or not 1 <= batch <= MAX_BATCH:
            raise ManifestError(f'max_batch of the build options is {batch!r}, expected 1 to '
                                f'{MAX_BATCH}: {REBUILD}')

    @property
    def options(self) -> Mapping[str, Any]:
        """The build options by name, as plain values; empty if this package did not build it."""
        return dict(self.plan.get('options', {}))

    @property
    def max_batch(self) -> int:
        """Maximum number of samples that the engine runs together; 1 for one at a time."""
        is_open = all(spec.shape[:1] == (-1,) for spec in (*self.inputs, *self.outputs))
        return int(self.options['max_batch']) if is_open and 'max_batch' in self.options else 1

    @property
    def head_runs_in(self) -> str:
        """
        Where the head runs: 'engine' if the engine contains it, else 'runtime'.

        A GPU runtime decodes most heads with kernels of its own, other runtimes on the host.
        """
        return 'runtime' if self.decoder == self.head and self.decoding else 'engine'

    @property
    def image_input(self) -> ImageInput:
        """
        The image input: how pixels become the input tensor.

        :raises EngineError: if the network does not read an image.
        """
        for kind in self.input_kinds if len(self.input_kinds) == 1 else ():
            if isinstance(kind, ImageInput):
                return kind
        raise EngineError(f"the engine's task is '{self.task}', and its network reads no image"
                          f"{' alone' if self.contract else ''}: use an engine of a network for "
                          'images')

    @property
    def contract(self) -> TensorContract | None:
        """The tensor contract; None for a network that reads one image or one text."""
        text = self.options.get('tensor_contract', '')
        return contract_from_text(str(text)) if text else None

    @property
    def states(self) -> tuple[StateInput, ...]:
        """The inputs that are outputs of the last run."""
        return tuple(kind for kind in self.input_kinds if isinstance(kind, StateInput))

    @property
    def results(self) -> tuple[str, ...]:
        """Names of the outputs that are no states."""
        fed = {state.output for state in self.states}
        return tuple(spec.name for spec in self.outputs if spec.name not in fed)

    @property
    def text_input(self) -> TextInput | None:
        """The text input: how a text becomes the input tensors; None if there is none."""
        return next((kind for kind in self.input_kinds if isinstance(kind, TextInput)), None)

    def input_shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of an input tensor for one sample, by the tensor's name."""
        return next(kind.shape(name) for kind in self.input_kinds if name in kind.tensors)

    def _check_states(self) -> None:
        by_name = {spec.name: spec for spec in self.outputs}
        for state in self.states:
            made = by_name.get(state.output)
            if made is None or (made.dtype, made.shape) != (state.dtype, state.fixed_shape):
                raise ManifestError(f'the {state} differs from that output, {made}: {REBUILD}',
                                    code='contract_state')
        contract = self.contract
        if contract is not None and contract.kinds != self.input_kinds:
            raise ManifestError(f"the inputs are {'; '.join(map(str, self.input_kinds))}, but the "
                                f"tensor contract states {'; '.join(map(str, contract.kinds))}: "
                                f'{REBUILD}')

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest as plain values."""
        return {**asdict(self), 'input_kinds': [input_to_dict(kind) for kind in self.input_kinds]}

    def to_json(self) -> str:
        """Return the manifest as indented JSON text with a closing newline."""
        return json.dumps(self.to_dict(), indent=2) + '\n'

    def check_engine(self, engine: bytes, engine_path: Path) -> None:
        """
        Reject an engine that this manifest does not describe.

        :param engine: the complete content of the file.
        :param engine_path: path of the file, for the message.
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


def batch_sizes(largest: int) -> tuple[int, ...]:
    """
    Return the batches that an engine is built for: 1, 2, 4, and so on, and the largest.

    A batch of another size runs as the next larger one.
    """
    sizes = [1]
    while sizes[-1] < largest:
        sizes.append(min(2 * sizes[-1], largest))
    return tuple(sizes)


def manifest_path(engine_path: Path) -> Path:
    """Return the path of an engine's manifest: the engine's path with `.json` appended."""
    return engine_path.with_name(engine_path.name + '.json')
