# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Export a trained network to an ONNX file that computes what the network computes.

The ONNX is exported, given its metadata, checked and compared with the framework that it came
from. Only then is the file written to its path. If the outputs differ, the ONNX is saved next to
that path as `*.rejected.onnx`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx

from edge_trt_ros.convert.graph.load import MAX_ONNX_BYTES
from edge_trt_ros.convert.graph.metadata import metadata_of
from edge_trt_ros.errors import ModelError
from edge_trt_ros.export.model_source import kind_of_source, SourceKind
from edge_trt_ros.export.options import ExportOptions
from edge_trt_ros.export.parity import Arrays, check_parity, Exported, Parity
from edge_trt_ros.files import sha256_hex, write_file
from edge_trt_ros.optional_libraries import require
from edge_trt_ros.runtime.image_preprocess import ImagePreprocess
from edge_trt_ros.runtime.samples import Frame

Progress = Callable[[str, float], None]

_RANDOM_RUNS = 3


def export_onnx(source: str, onnx_path: Path, options: ExportOptions, *, arguments: Any = None,
                weights: Path | None = None, trust_pickle: bool = False,
                frames: Sequence[Frame] = (),
                progress: Progress = lambda phase, fraction: None) -> dict[str, Any]:
    """
    Export a network from its source and write the ONNX file.

    :param source: see `kind_of_source`.
    :param onnx_path: path of the ONNX file.
    :param options: what to export.
    :param arguments: arguments of a callable: a mapping (keywords) or a list (positional).
    :param weights: file with a state dict for the network that the callable returns.
    :param trust_pickle: whether to load files that may run arbitrary code.
    :param frames: images to compare on, in addition to random input.
    :param progress: called with a phase and the fraction of the whole that is done.
    :returns: what was written and how well it agrees, as plain values.
    :raises EdgeTrtError: if the network cannot be exported, or its ONNX differs from it.
    """
    progress('export', 0.0)
    # Import only the framework that is needed: each takes seconds, or is not installed.
    if kind_of_source(source) is SourceKind.TENSORFLOW:
        from edge_trt_ros.export.onnx_from_tensorflow import onnx_from_tensorflow
        exported = onnx_from_tensorflow(source, options)
    else:
        require('torch', f'exporting {source}')
        from edge_trt_ros.export.onnx_from_torch import onnx_from_torch
        exported = onnx_from_torch(source, options, arguments=arguments, weights=weights,
                                   trust_pickle=trust_pickle)
    return _compare_and_write(exported, onnx_path, options, frames, progress)


def export_network(network: Any, onnx_path: Path, options: ExportOptions, *,
                   frames: Sequence[Frame] = (),
                   progress: Progress = lambda phase, fraction: None) -> dict[str, Any]:
    """
    Export a PyTorch network that is in memory (see `export_onnx`).

    :param network: a torch.nn.Module on the CPU, in evaluation mode.
    """
    progress('export', 0.0)
    from edge_trt_ros.export.onnx_from_torch import onnx_from_network
    return _compare_and_write(onnx_from_network(network, options), onnx_path, options, frames,
                              progress)


def _compare_and_write(exported: Exported, onnx_path: Path, options: ExportOptions,
                       frames: Sequence[Frame], progress: Progress) -> dict[str, Any]:
    """Check an ONNX, compare it with its network, write it and return the report."""
    progress('check', 0.6)
    _finish(exported.model, options)
    data = exported.model.SerializeToString(deterministic=True)
    if len(data) > MAX_ONNX_BYTES:
        raise ModelError(f'the ONNX has {len(data)} bytes, expected at most {MAX_ONNX_BYTES}: '
                         'export a smaller network')
    progress('compare', 0.7)
    parity = _parity(exported, options, frames)
    if parity.problem:
        rejected = onnx_path.with_name(f'{onnx_path.stem}.rejected.onnx')
        _write(rejected, data)
        raise ModelError(f'the ONNX differs from the network in {exported.framework}: '
                         f'{parity.problem}. It is saved as {rejected}; {onnx_path} is unchanged')
    _write(onnx_path, data)
    progress('done', 1.0)
    graph = exported.model.graph
    return {
        'onnx': str(onnx_path), 'sha256': sha256_hex(data), 'size_bytes': len(data),
        'framework': exported.framework, 'opset': options.opset,
        'inputs': [_text(value) for value in graph.input],
        'outputs': [_text(value) for value in graph.output],
        'metadata': {entry.key: entry.value for entry in exported.model.metadata_props},
        'parity': {'runs': parity.runs, 'images': len(frames), 'max_error': parity.max_error,
                   'max_relative_error': parity.max_relative_error,
                   'argmax_agreement': parity.argmax_agreement,
                   'rank_agreement': parity.rank_agreement,
                   'float64_error': parity.exact_error,
                   'framework_float64_error': parity.own_error}}


def _parity(exported: Exported, options: ExportOptions, frames: Sequence[Frame]) -> Parity:
    try:
        return check_parity(exported, _feeds(options, frames))
    except ModelError as error:
        if not options.dynamic:
            raise
        axes = ', '.join(sorted(options.dynamic))
        raise ModelError(f'{error}; the axes {axes} are dynamic, so other lengths were tried: '
                         'leave out the axes whose length the network fixes') from error


def _finish(model: onnx.ModelProto, options: ExportOptions) -> None:
    """Remove traces of the exporting machine, add the metadata, and check."""
    model.doc_string = ''
    for graph in (model.graph, *model.functions):
        _strip(graph)
    onnx.helper.set_model_props(model, {
        **options.metadata, **metadata_of(options.task, options.labels, options.image_input)})
    written = next((opset.version for opset in model.opset_import
                    if opset.domain in ('', 'ai.onnx')), 0)
    if written != options.opset:
        raise ModelError(f'the exporter wrote opset {written}, expected {options.opset}: ask for '
                         f'opset {written}')
    try:
        onnx.checker.check_model(model, full_check=True)
        onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except Exception as error:  # each pass of onnx raises another type
        raise ModelError('the exporter wrote an invalid ONNX: '
                         f'{str(error).strip().splitlines()[0]}') from error


def _strip(graph: Any) -> None:
    """Remove the exporter's notes (source lines, paths), also from subgraphs."""
    parts = [graph, *graph.node, *graph.value_info]
    if isinstance(graph, onnx.GraphProto):
        parts += [*graph.initializer, *graph.input, *graph.output]
    for part in parts:
        part.doc_string = ''
        del part.metadata_props[:]
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField('g') else [])):
                _strip(inner)


def _feeds(options: ExportOptions, frames: Sequence[Frame]) -> list[Arrays]:
    random = np.random.default_rng(0)
    feeds: list[Arrays] = []
    for run in range(_RANDOM_RUNS):
        feed = []
        for tensor in options.inputs:
            shape = list(tensor.shape)
            # The last run has another size if axes are dynamic.
            for axis, name in options.dynamic_axes(tensor).items():
                if run == _RANDOM_RUNS - 1:
                    shape[axis] = shape[axis] + 1 if name == 'batch' else 2 * shape[axis]
            feed.append(random.random(shape, np.float32) if tensor.dtype == 'float32'
                        else random.integers(0, 2, shape).astype(tensor.dtype))
        feeds.append(feed)
    if frames:
        feeds += _image_feeds(options, frames)
    return feeds


def _image_feeds(options: ExportOptions, frames: Sequence[Frame]) -> list[Arrays]:
    if options.image_input is None:
        raise ModelError('images to compare on require a network with one image input of '
                         '[batch, 3, height, width]: leave out the images')
    preprocess = ImagePreprocess(options.image_input)
    feeds: list[Arrays] = []
    for frame in frames:
        tensor: NDArray[np.float32] = np.empty((1, *options.inputs[0].shape[1:]), np.float32)
        preprocess.fill_tensor(frame, preprocess.fit(frame), tensor)
        feeds.append([np.repeat(tensor, options.inputs[0].shape[0], axis=0)])
    return feeds


def _write(path: Path, data: bytes) -> None:
    try:
        write_file(path, data)
    except OSError as error:
        raise ModelError(f'{path} cannot be written: {error.strerror}') from error


def _text(value: onnx.ValueInfoProto) -> str:
    tensor = value.type.tensor_type
    shape = ', '.join(dim.dim_param or str(dim.dim_value) for dim in tensor.shape.dim)
    return f'{value.name} {onnx.TensorProto.DataType.Name(tensor.elem_type).lower()}[{shape}]'
