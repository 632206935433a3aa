# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Export a PyTorch network to an ONNX in memory.

TorchScript files and torchvision detectors need PyTorch's older exporter; others `torch.export`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
import io
import logging
from pathlib import Path
import re
from typing import Any
import warnings

from numpy.typing import NDArray
import onnx
import torch
from torch.utils._pytree import tree_leaves

from edge_trt_ros.errors import ConfigurationError, first_line, ModelError
from edge_trt_ros.export.detection_parity import aligned, NEAR_PX
from edge_trt_ros.export.float64 import in_float64
from edge_trt_ros.export.model_source import kind_of_source, SourceKind
from edge_trt_ros.export.options import ExportOptions
from edge_trt_ros.export.parity import Arrays, Exported
from edge_trt_ros.export.torch_network import check_weights, load_network
from edge_trt_ros.export.torchvision_detector import (is_torchvision_detector, OUTPUT_NAMES,
                                                      TorchvisionDetector)
from edge_trt_ros.optional_libraries import require

OPSETS = range(18, 24)
TORCHSCRIPT_OPSETS = range(9, 21)


def onnx_from_torch(source: str, options: ExportOptions, *, arguments: Any = None,
                    weights: Path | None = None, trust_pickle: bool = False) -> Exported:
    """
    Export a network from its source.

    :param source: see `kind_of_source`.
    :param options: what to export.
    :param arguments: arguments of a callable: a mapping (keywords) or a list (positional).
    :param weights: file with a state dict for the network that the callable returns.
    :param trust_pickle: whether to load files that may run arbitrary code.
    :raises ModelError: if the network cannot be loaded, run or exported.
    :raises ConfigurationError: if arguments or the opset do not fit the source.
    """
    with _quiet(), torch.no_grad():
        _check_exporter(options, kind_of_source(source) is SourceKind.TORCHSCRIPT)
        return _export(load_network(source, arguments, weights, trust_pickle), options)


def onnx_from_network(network: torch.nn.Module, options: ExportOptions) -> Exported:
    """
    Export a network that is in memory (see `onnx_from_torch`).

    :param network: on the CPU, in evaluation mode.
    """
    if network.training:
        raise ModelError('the network is in training mode, where dropout and batch normalisation '
                         'differ from inference: call network.eval() first')
    with _quiet(), torch.no_grad():
        _check_exporter(options, isinstance(network, torch.jit.ScriptModule))
        check_weights(network, type(network).__name__)
        return _export(network, options)


def _check_exporter(options: ExportOptions, is_torchscript: bool) -> None:
    known = TORCHSCRIPT_OPSETS if is_torchscript else OPSETS
    if options.opset not in known:
        raise ConfigurationError(
            f'opset is {options.opset}, PyTorch {torch.__version__} writes {known[0]} to '
            f'{known[-1]} for this source ({TORCHSCRIPT_OPSETS[0]} to {TORCHSCRIPT_OPSETS[-1]} '
            'for a TorchScript file)')
    if not is_torchscript:
        require('onnxscript', 'exporting from PyTorch')


def _export(network: Any, options: ExportOptions) -> Exported:
    if is_torchvision_detector(network):
        # The number of boxes depends on the image, which torch.export cannot trace.
        names = options.output_names or OUTPUT_NAMES
        return replace(_export_torchscript(
            TorchvisionDetector(network).eval(), replace(options, output_names=names)),
            align=aligned, absolute={names[0]: NEAR_PX})
    if isinstance(network, torch.jit.ScriptModule):
        return _export_torchscript(network, options)
    if isinstance(network, torch.export.ExportedProgram):
        return _export_program(network, network.module(), options)
    return _export_program(_program(network, options), network, options)


def _examples(options: ExportOptions) -> tuple[torch.Tensor, ...]:
    tensors = []
    for tensor in options.inputs:
        shape = list(tensor.shape)
        if 'batch' in options.dynamic:
            shape[0] = max(shape[0], 2)  # torch.export treats a length of 1 as fixed
        tensors.append(torch.rand(shape) if tensor.dtype == 'float32'
                       else torch.zeros(shape, dtype=getattr(torch, tensor.dtype)))
    return tuple(tensors)


def _outputs(network: Any, feed: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    try:
        outputs = [leaf for leaf in tree_leaves(network(*feed)) if leaf is not None]
    except ModelError:
        raise
    except Exception as error:  # the network's own code
        shapes = ', '.join(f'{str(tensor.dtype)[6:]}{list(tensor.shape)}' for tensor in feed)
        raise ModelError(f'the network does not run on {shapes}: {first_line(error)}'
                         ) from error
    if not outputs or not all(isinstance(output, torch.Tensor) for output in outputs):
        kinds = ', '.join(type(output).__name__ for output in outputs) or 'nothing'
        raise ModelError(f'the network returns {kinds}, expected tensors')
    for output in outputs:
        if output.dtype is torch.bfloat16 or output.is_complex():
            raise ModelError(f'the network returns {output.dtype}, which ONNX Runtime does not '
                             'support: return float32')
    return outputs


def _output_names(outputs: Sequence[torch.Tensor], options: ExportOptions) -> list[str]:
    names = list(options.output_names) or [f'output{index}' for index in range(len(outputs))]
    if len(names) != len(outputs):
        shapes = ', '.join(str(list(output.shape)) for output in outputs)
        raise ConfigurationError(f'{len(names)} output names are given, but the network has '
                                 f'{len(outputs)} outputs of shapes {shapes}')
    return names


def _program(network: torch.nn.Module, options: ExportOptions) -> torch.export.ExportedProgram:
    _outputs(network, _examples(options))
    axes = tuple({axis: torch.export.Dim.DYNAMIC for axis in options.dynamic_axes(tensor)}
                 for tensor in options.inputs)
    try:
        return torch.export.export(network, _examples(options),
                                   dynamic_shapes=axes if options.dynamic else None)
    except Exception as error:  # its type depends on what cannot be traced
        hint = (f"make {' and '.join(sorted(options.dynamic))} static, or " if options.dynamic
                else '')
        if re.search('data.dependent|control flow', str(error), re.IGNORECASE):
            raise ModelError(
                f'torch.export cannot trace the network ({first_line(error)}): it branches on '
                'values of its input, and tracing would freeze the branch. Compute both sides '
                'and choose with torch.where, or use torch.cond',
                code='branch_on_data') from error
        raise ModelError(
            f'torch.export cannot trace the network ({first_line(error)}): {hint}save it as '
            'TorchScript with torch.jit.trace(...).save(...) and export that file'
        ) from error


def _export_program(program: torch.export.ExportedProgram, network: Any, options: ExportOptions
                    ) -> Exported:
    names = _output_names(_outputs(network, _examples(options)), options)
    try:
        model = torch.onnx.export(
            program, input_names=[tensor.name for tensor in options.inputs], output_names=names,
            opset_version=options.opset, verbose=False).model_proto
    except Exception as error:  # its type depends on the unsupported operator
        raise ModelError(f'PyTorch {torch.__version__} cannot write the network as ONNX: '
                         f'{first_line(error)}') from error
    _name_dynamic_axes(model, options)
    renamed = dict(zip(program.graph_signature.user_outputs, names))

    def trace(feed: Arrays) -> Iterator[tuple[str, str, NDArray[Any]]]:
        interpreter = _Recorder(program.module())
        with torch.no_grad():
            interpreter.run(*map(torch.from_numpy, feed))
        for name, place, value in interpreter.steps:
            yield renamed.get(name, name), place, value
    return Exported(model, f'PyTorch {torch.__version__}', _runner(network), trace,
                    exact=in_float64(network))


def _export_torchscript(network: Any, options: ExportOptions) -> Exported:
    examples = _examples(options)
    names = _output_names(_outputs(network, examples), options)
    axes = {tensor.name: options.dynamic_axes(tensor) for tensor in options.inputs}
    written = io.BytesIO()
    try:
        torch.onnx.export(network, examples, written, input_names=list(axes), output_names=names,
                          dynamic_axes=axes, opset_version=options.opset, dynamo=False)
    except Exception as error:  # its type depends on the unsupported operator
        raise ModelError(f'PyTorch {torch.__version__} cannot write the TorchScript as ONNX: '
                         f'{first_line(error)}') from error
    return Exported(onnx.load_model_from_string(written.getvalue()),
                    f'PyTorch {torch.__version__}', _runner(network), exact=in_float64(network))


def _runner(network: Any) -> Any:
    def run(feed: Arrays) -> list[NDArray[Any]]:
        with torch.no_grad():
            outputs = _outputs(network, [*map(torch.from_numpy, feed)])
        return [output.detach().numpy() for output in outputs]
    return run


class _Recorder(torch.fx.Interpreter):
    """Runs a traced program and records every intermediate tensor."""

    def __init__(self, program: Any) -> None:
        super().__init__(program)
        self.steps: list[tuple[str, str, NDArray[Any]]] = []

    def run_node(self, n: Any) -> Any:
        """Run one node."""
        value = super().run_node(n)
        if n.op == 'call_function' and isinstance(value, torch.Tensor):
            scopes = list((n.meta.get('nn_module_stack') or {}).values())
            place = re.sub(r"^L\['self'\]\.?", '', scopes[-1][0] if scopes else '')
            self.steps.append((n.name, place or 'the top-level module', value.numpy().copy()))
        return value


def _name_dynamic_axes(model: onnx.ModelProto, options: ExportOptions) -> None:
    """Replace PyTorch's generated symbols (s77) by the names of the axes, in all shapes."""
    names: dict[str, str] = {}
    for tensor, value in zip(options.inputs, model.graph.input):
        for axis, name in options.dynamic_axes(tensor).items():
            names.setdefault(value.type.tensor_type.shape.dim[axis].dim_param, name)
    names.pop('', None)
    if not names:
        return
    pattern = re.compile('|'.join(rf'\b{re.escape(symbol)}\b' for symbol in names))
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.dim_param = pattern.sub(lambda found: names[found[0]], dim.dim_param)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporters' warnings and logged tracebacks; errors are still raised."""
    loggers = [logging.getLogger(name) for name in ('torch', 'onnxscript', 'onnx_ir')]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        for logger, level in zip(loggers, levels):
            logger.setLevel(level)
