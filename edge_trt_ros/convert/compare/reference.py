# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The ONNX model in ONNX Runtime, which an engine is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from numpy.typing import NDArray
import onnx

from edge_trt_ros.convert.graph.session import open_session, run_session
from edge_trt_ros.errors import BuildError, ModelError


class Reference:
    """
    Runs an ONNX model.

    :param model: the model.
    :raises BuildError: if ONNX Runtime cannot load it.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self._names = [output.name for output in model.graph.output]
        with _comparable():
            self.session = open_session(model)

    def run(self, tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """
        Return the outputs for one sample, by name.

        :param tensors: the input tensors.
        :raises BuildError: if the model fails on them.
        """
        with _comparable():
            return dict(zip(self._names, run_session(self.session, self._names, tensors)))


@contextmanager
def _comparable() -> Iterator[None]:
    try:
        yield
    except ModelError as error:
        raise BuildError(f'nothing was compared, since the ONNX does not run: {error}',
                         code='reference_unavailable') from error
