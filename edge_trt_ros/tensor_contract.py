# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The tensor contract: what the inputs and outputs of any network are, and where they come from.

An input is a picture, a tensor of a topic, a constant, or a state: an output of the network that
becomes this input of the next run. `convert.contract_file` reads it from YAML, and the build
options store it as JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.network_input import ImageInput, NetworkInput
from edge_trt_ros.tensor_input import StateInput, TensorInput
from edge_trt_ros.tensor_spec import TensorSpec


@dataclass(frozen=True)
class ContractTensor:
    """
    One input or output.

    :param spec: name, dtype and shape.
    :param unit: unit of its values, for people.
    :param topic: topic of an input that a message brings; '' for other tensors.
    :param max_age_ms: greatest age of that message; 0 sets no limit.
    :param value_range: smallest and largest value that the verification gives it.
    :param image: how pixels become the input; None for other tensors.
    :param value: the values of a constant, one or as many as the shape has; empty for none.
    :param from_output: the output that becomes this input of the next run; '' for no state.
    :param initial: the first values of a state, one or as many as the shape has.
    """

    spec: TensorSpec
    unit: str = ''
    topic: str = ''
    max_age_ms: float = 0.0
    value_range: tuple[float, float] = (-1.0, 1.0)
    image: ImageInput | None = None
    value: tuple[float, ...] = ()
    from_output: str = ''
    initial: tuple[float, ...] = (0.0,)

    def __str__(self) -> str:
        text = f"{self.spec}{f' in {self.unit}' if self.unit else ''}"
        if self.topic:
            age = f', at most {self.max_age_ms:g} ms old' if self.max_age_ms else ''
            return f'{text}, from {self.topic}{age}'
        return f"{text}, always {', '.join(f'{value:g}' for value in self.value)}" \
            if self.value else text

    def kind(self) -> NetworkInput | None:
        """Return the input of the engine; None for a constant, which becomes a weight."""
        if self.value:
            return None
        if self.from_output:
            return StateInput(self.spec.name, self.spec.shape, self.spec.dtype, self.from_output,
                              self.initial)
        return self.image or TensorInput(self.spec.name, self.spec.shape, self.spec.dtype)

    def random(self, generator: np.random.Generator) -> NDArray[Any]:
        """Return random values in its range."""
        low, high = self.value_range
        spec = self.spec
        if spec.dtype.startswith('float'):
            return np.asarray(generator.uniform(low, high, spec.shape), spec.dtype)
        return np.asarray(generator.integers(math.ceil(low), math.floor(high), spec.shape,
                                             endpoint=True), spec.dtype)


@dataclass(frozen=True)
class TensorContract:
    """
    All inputs and outputs of a network.

    :param inputs: its inputs; the first one that is not a constant or a state starts a run,
        unless there is a picture, which then does.
    :param outputs: its outputs.
    """

    inputs: tuple[ContractTensor, ...]
    outputs: tuple[ContractTensor, ...]

    @property
    def kinds(self) -> tuple[NetworkInput, ...]:
        """The inputs of the engine."""
        return tuple(kind for kind in (tensor.kind() for tensor in self.inputs)
                     if kind is not None)

    @property
    def received(self) -> tuple[ContractTensor, ...]:
        """The inputs that a sample brings; the first of them starts a run."""
        return tuple(sorted((tensor for tensor in self.inputs if tensor.topic or tensor.image),
                            key=lambda tensor: tensor.image is None))

    @property
    def states(self) -> tuple[ContractTensor, ...]:
        """The inputs that are outputs of the last run."""
        return tuple(tensor for tensor in self.inputs if tensor.from_output)
