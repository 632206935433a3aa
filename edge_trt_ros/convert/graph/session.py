"""Running a graph by ONNX Runtime on the CPU, to measure it or to compare with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx
import onnxruntime

from edge_trt_ros.errors import first_line, ModelError


def open_session(model: onnx.ModelProto, as_written: bool = False) -> onnxruntime.InferenceSession:
    """
    Return a session of a graph.

    :param model: the graph; not modified.
    :param as_written: whether Q/DQ nodes are run one by one, and not as integer kernels.
    :raises ModelError: if ONNX Runtime cannot load it.
    """
    # ONNX Runtime 1.32 takes the inferred shapes of a torchvision RetinaNet to mean that it always
    # sees something, and fails where it does not.
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    del plain.graph.value_info[:]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if as_written:
        options.add_session_config_entry('session.disable_quant_qdq', '1')
    try:
        return onnxruntime.InferenceSession(plain.SerializeToString(), options,
                                            providers=['CPUExecutionProvider'])
    except Exception as error:  # a class of its own for each error code
        raise ModelError(f'ONNX Runtime {onnxruntime.__version__} cannot load the network: '
                         f'{first_line(error)}') from error


def run_session(session: onnxruntime.InferenceSession, names: list[str],
                feed: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
    """
    Return the values of some outputs.

    :param session: of `open_session`.
    :param names: of the outputs.
    :param feed: its inputs.
    :raises ModelError: if the network fails on them.
    """
    try:
        return [np.asarray(one) for one in session.run(names, dict(feed))]
    except Exception as error:  # a class of its own for each error code
        raise ModelError('ONNX Runtime cannot run the network on '
                         f"{', '.join(str(list(one.shape)) for one in feed.values())}: "
                         f'{first_line(error)}') from error
