# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Adopt an engine that Ultralytics' exporter built, with the metadata in its header.

Nothing is built: the engine gets the manifest that the nodes require. Its head is decoded on
the host. It is not compared with its ONNX file, and the manifest says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import onnx

from edge_trt_ros.convert.graph.check import CheckedOnnx
from edge_trt_ros.convert.store import install, locked
from edge_trt_ros.errors import EngineError
from edge_trt_ros.files import read_file, sha256_hex
from edge_trt_ros.heads import Given, recognise
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.network_input import ImageInput
from edge_trt_ros.runtime.select import open_engine
from edge_trt_ros.runtime.tensorrt.device import find_gpu
from edge_trt_ros.runtime.tensorrt.identity import this_platform
from edge_trt_ros.runtime.tensorrt.library import (complaints, installed_tensorrt, library_logger,
                                                   load_tensorrt, TensorRt)
from edge_trt_ros.runtime.tensorrt.network import DTYPES
from edge_trt_ros.runtime.tensorrt.ultralytics_header import header_of, plan_of
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.verification import NOT_COMPARED


def adopt_engine(source: Path, target: Path) -> EngineManifest:
    """
    Install an Ultralytics engine next to a manifest of this package.

    :param source: the engine with Ultralytics' header.
    :param target: path of the installed engine.
    :returns: the manifest.
    :raises EngineError: if the file has no such header, or does not run on this machine's GPU.
    :raises ModelError: if its head is not recognised.
    """
    try:
        engine = read_file(source)
    except OSError as error:
        raise EngineError(f'{source} cannot be read: {error.strerror}') from error
    header = header_of(engine)
    if 'names' not in header:
        raise EngineError(f"{source} has no header of Ultralytics' exporter, which describes the "
                          'network: build an engine from its ONNX')
    gpu = find_gpu()
    if gpu is None or not installed_tensorrt():
        raise EngineError(f'{source} can only be adopted where it runs: there is no NVIDIA GPU or '
                          'no TensorRT here; build an engine from its ONNX')
    library = load_tensorrt(installed_tensorrt())
    manifest = _manifest(engine, header, library, {
        'compute_capabilities': [gpu.compute_capability], 'gpu': gpu.name, 'driver': gpu.driver})
    # Open the engine once: an engine that cannot run here is not installed.
    open_engine(engine, manifest).runtime.close()
    with locked(target):
        install(target, engine, manifest)
    return manifest


def _manifest(engine: bytes, header: Mapping[str, Any], library: TensorRt,
              target: Mapping[str, Any]) -> EngineManifest:
    inputs, outputs = _tensors(plan_of(engine), library)
    size_hw = header.get('imgsz') or inputs[0].shape[2:]
    image = TensorSpec(inputs[0].name, inputs[0].dtype, (1, 3, *map(int, size_hw)))
    names = {int(index): str(name) for index, name in dict(header['names']).items()}
    metadata = {key: str(header[key]) for key in ('task', 'kpt_shape', 'end2end') if key in header}
    # An engine does not list its ONNX operators; Ultralytics' heads are recognised without them.
    network = CheckedOnnx(onnx.ModelProto(), '', (image,), outputs,
                          {**metadata, 'names': str(names)})
    found = recognise(network, Given(), reads_text=False)
    return EngineManifest(
        engine_sha256=sha256_hex(engine), engine_size_bytes=len(engine), onnx_sha256='',
        plan={}, plan_key='', backend=library.name, backend_version=library.version,
        platform=this_platform(), target=target,
        layers={'precision': 'fp16' if inputs[0].dtype == 'float16' else 'unknown',
                'source': "Ultralytics' exporter"},
        inputs=(image,), outputs=outputs,
        input_kinds=(ImageInput((image.shape[3], image.shape[2]), tensor=image.name),),
        head=found.name, decoder=found.name, task=found.task, labels=found.labels,
        verification={'status': NOT_COMPARED, 'frames': 0},
        build_seconds=0.0, built_at=datetime.now(timezone.utc).isoformat(timespec='seconds'),
        decoding={'roles': {role: tensor.name for role, tensor in found.reading.roles.items()},
                  'options': dict(found.reading.options)})


def _tensors(data: bytes, library: TensorRt
             ) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    trt = library.module
    runtime = trt.Runtime(library_logger(library))
    engine = runtime.deserialize_cuda_engine(data)
    if engine is None:
        raise EngineError(f'{library.name} {library.version} cannot load this engine: '
                          f'{complaints(library)}; build it from its ONNX')
    found: dict[bool, list[TensorSpec]] = {True: [], False: []}
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        is_input = engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
        found[is_input].append(TensorSpec(
            name, DTYPES.get(engine.get_tensor_dtype(name).name, 'unknown'),
            tuple(engine.get_tensor_shape(name))))
    return tuple(found[True]), tuple(found[False])
