# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Writes `config.pbtxt`: tensors, batching, instances, warm-up, and the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge_trt_ros.runtime.kserve.served_model import DATATYPES, escaped
from edge_trt_ros.tensor_spec import TensorSpec


@dataclass(frozen=True)
class ServedConfig:
    """
    The configuration of a served model.

    :param name: name of the model.
    :param backend: the server's back end: 'onnxruntime', 'python' or 'tensorrt'.
    :param inputs: the tensors that it reads; the first length is that of the batch.
    :param outputs: the tensors that it returns; the first length is that of the batch.
    :param instances: how many copies of the network run side by side.
    :param max_batch: most frames of a batch; 1 if the graph computes a single frame.
    :param parameters: identity of the model by the names of parameters.
    """

    name: str
    backend: str
    inputs: Sequence[TensorSpec]
    outputs: Sequence[TensorSpec]
    instances: int
    max_batch: int
    parameters: Mapping[str, str]

    @property
    def is_batched(self) -> bool:
        """Whether the server may put frames of several robots into one batch."""
        return self.max_batch > 1

    def text(self) -> str:
        """Return the content of `config.pbtxt`."""
        file = 'model.plan' if self.backend == 'tensorrt' else (
            'model.py' if self.backend == 'python' else 'model.onnx')
        kind = 'KIND_GPU' if self.backend == 'tensorrt' else (
            'KIND_CPU' if self.backend == 'python' else 'KIND_AUTO')
        lines = [
            f'name: "{self.name}"', f'backend: "{self.backend}"',
            f'default_model_filename: "{file}"',
            f'max_batch_size: {self.max_batch if self.is_batched else 0}',
            *(f'input {{ {self._tensor(spec)} }}' for spec in self.inputs),
            *(f'output {{ {self._tensor(spec)} }}' for spec in self.outputs),
            'version_policy { latest { num_versions: 1 } }',
            f'instance_group {{ count: {self.instances} kind: {kind} }}']
        if self.is_batched:
            # No delay: a frame that waits for others grows old. A batch is what queues anyway.
            lines.append('dynamic_batching { max_queue_delay_microseconds: 0 }')
        inputs = ' '.join(f'inputs {{ key: "{spec.name}" value {{ data_type: {_type(spec)} '
                          f'{self._dims(spec)} zero_data: true }} }}' for spec in self.inputs)
        lines.append(f'model_warmup {{ name: "blank" batch_size: 1 {inputs} }}')
        lines += [f'parameters {{ key: "{key}" value {{ string_value: "{escaped(value)}" }} }}'
                  for key, value in self.parameters.items()]
        return '\n'.join(lines) + '\n'

    def _tensor(self, spec: TensorSpec) -> str:
        return f'name: "{spec.name}" data_type: {_type(spec)} {self._dims(spec)}'

    def _dims(self, spec: TensorSpec) -> str:
        shape = spec.shape[1:] if self.is_batched else spec.shape
        return f"dims: [ {', '.join(map(str, shape))} ]"


def _type(spec: TensorSpec) -> str:
    return f'TYPE_{DATATYPES[spec.dtype]}'
