"""
From a trained network to an ONNX file that does what the network does.

Exported, given its metadata, checked, compared with the framework that it came from, and only
then put where the user wants it. One that fails the comparison is kept beside that place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx

from edge_trt_ros.convert.graph.check import MAX_ONNX_BYTES
from edge_trt_ros.convert.graph.metadata import metadata_of
from edge_trt_ros.errors import ModelError
from edge_trt_ros.export.model_source import kind_of_source, SourceKind
from edge_trt_ros.export.options import ExportOptions
from edge_trt_ros.export.parity import Arrays, check_parity
from edge_trt_ros.manifest import sha256_hex
from edge_trt_ros.runtime.contract import Frame
from edge_trt_ros.runtime.host_preprocess import HostPreprocess

_RANDOM_RUNS = 3


def export_onnx(source: str, onnx_path: Path, options: ExportOptions, *, arguments: Any = None,
                weights: Path | None = None, trust_pickle: bool = False,
                frames: Sequence[Frame] = (),
                progress: Callable[[str, float], None] = lambda phase, fraction: None
                ) -> dict[str, Any]:
    """
    Export a network and install the ONNX file.

    :param source: see `kind_of_source`.
    :param onnx_path: where the ONNX goes.
    :param options: what to export.
    :param arguments: for a callable: a mapping of keyword arguments or a list of others.
    :param weights: file of a state dict for the network that the callable makes.
    :param trust_pickle: whether files may run code of whoever made them.
    :param frames: images to compare on, beside random input.
    :param progress: called with a phase and the fraction of the whole that is done.
    :returns: what was written and how well it agrees, as plain values.
    :raises EdgeTrtError: if there is no ONNX that does what the network does.
    """
    progress('export', 0.0)
    # Heavy libraries, and not on every machine: imported by whoever needs them.
    if kind_of_source(source) is SourceKind.TENSORFLOW:
        from edge_trt_ros.export.onnx_from_tensorflow import onnx_from_tensorflow
        exported = onnx_from_tensorflow(source, options)
    else:
        try:
            from edge_trt_ros.export.onnx_from_torch import onnx_from_torch
        except ModuleNotFoundError as error:
            raise ModelError(f'{source} takes PyTorch, and {error.name} is not installed: '
                             'pip install torch onnxscript') from error
        exported = onnx_from_torch(source, options, arguments=arguments, weights=weights,
                                   trust_pickle=trust_pickle)
    progress('check', 0.6)
    _finish(exported.model, options)
    data = exported.model.SerializeToString(deterministic=True)
    if len(data) > MAX_ONNX_BYTES:
        raise ModelError(f'the ONNX has {len(data)} bytes, at most {MAX_ONNX_BYTES} can be '
                         'written: export a smaller network')
    progress('compare', 0.7)
    try:
        parity = check_parity(exported, _feeds(options, frames))
    except ModelError as error:
        if not options.dynamic:
            raise
        axes = ', '.join(sorted(options.dynamic))
        raise ModelError(f'{error}; other lengths were tried since {axes} are to stay open: keep '
                         'fixed what the network fixes') from error
    if parity.problem:
        aside = onnx_path.with_name(f'{onnx_path.stem}.rejected.onnx')
        _install(aside, data)
        raise ModelError(f'the ONNX does not do what the network does in {exported.framework}: '
                         f'{parity.problem}. It is kept as {aside}, {onnx_path} is untouched')
    _install(onnx_path, data)
    progress('done', 1.0)
    return {
        'onnx': str(onnx_path), 'sha256': sha256_hex(data), 'size_bytes': len(data),
        'framework': exported.framework, 'opset': options.opset,
        'inputs': [str(one) for one in map(_text, exported.model.graph.input)],
        'outputs': [str(one) for one in map(_text, exported.model.graph.output)],
        'metadata': {entry.key: entry.value for entry in exported.model.metadata_props},
        'parity': {'runs': parity.runs, 'images': len(frames), 'max_error': parity.max_error,
                   'max_relative_error': parity.max_relative_error,
                   'argmax_agreement': parity.argmax_agreement}}


def _finish(model: onnx.ModelProto, options: ExportOptions) -> None:
    """Drop what tells of the exporting machine, add the metadata, and check."""
    model.doc_string = ''
    for graph in (model.graph, *model.functions):
        _strip(graph)
    onnx.helper.set_model_props(
        model, metadata_of(options.task, options.labels, options.input_contract))
    written = next((one.version for one in model.opset_import if one.domain in ('', 'ai.onnx')), 0)
    if written != options.opset:
        raise ModelError(f'the exporter wrote opset {written}, expected {options.opset}: ask for '
                         f'opset {written}')
    try:
        onnx.checker.check_model(model, full_check=True)
        onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except Exception as error:  # onnx raises a type of its own for each of its passes
        raise ModelError('the exporter wrote an ONNX that is not valid: '
                         f'{str(error).strip().splitlines()[0]}') from error


def _strip(graph: Any) -> None:
    """Drop the exporter's notes, which hold source lines and paths, also from inner graphs."""
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
        for one in options.inputs:
            shape = list(one.shape)
            # The last time in another size, if it may have one.
            for axis, name in options.dynamic_axes(one).items():
                if run == _RANDOM_RUNS - 1:
                    shape[axis] = shape[axis] + 1 if name == 'batch' else 2 * shape[axis]
            feed.append(random.random(shape, np.float32) if one.dtype == 'float32'
                        else random.integers(0, 2, shape).astype(one.dtype))
        feeds.append(feed)
    if frames:
        feeds += _image_feeds(options, frames)
    return feeds


def _image_feeds(options: ExportOptions, frames: Sequence[Frame]) -> list[Arrays]:
    if options.input_contract is None:
        raise ModelError('images are given to compare on, but the network does not take one '
                         'image of [batch, 3, height, width]')
    preprocess = HostPreprocess(options.input_contract)
    feeds: list[Arrays] = []
    for frame in frames:
        tensor: NDArray[np.float32] = np.empty((1, *options.inputs[0].shape[1:]), np.float32)
        preprocess.fill(frame, preprocess.fit(frame), tensor)
        feeds.append([np.repeat(tensor, options.inputs[0].shape[0], axis=0)])
    return feeds


def _install(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one."""
    staged = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(staged, 'wb') as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(staged, path)
    except OSError as error:
        staged.unlink(missing_ok=True)
        raise ModelError(f'{path} cannot be written: {error.strerror}') from error


def _text(value: onnx.ValueInfoProto) -> str:
    tensor = value.type.tensor_type
    shape = ', '.join(dim.dim_param or str(dim.dim_value) for dim in tensor.shape.dim)
    return f'{value.name} {onnx.TensorProto.DataType.Name(tensor.elem_type).lower()}[{shape}]'
