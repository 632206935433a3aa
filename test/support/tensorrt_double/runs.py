# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What the runtime, the engine and the context of the double do; ONNX Runtime computes."""

from __future__ import annotations

import ctypes
import json
import math
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
from support.tensorrt_double.builds import complain, KINDS, SIZES, start
from support.tensorrt_double.double import Behaviour, Double
from support.tensorrt_double.plans import read_plan

from edge_trt_ros.convert.precision.bf16_emulation import emulated_bf16

_ALIGNMENT_BYTES = 256


def report(double: Double, runtime: Any, code: str, text: str) -> None:
    """Report an error to the recorder and to the log."""
    recorder = runtime.__dict__.get('_error_recorder')
    if recorder is not None:
        recorder.report_error(double.module.ErrorCodeTRT[code], text)
    complain(double, runtime._logger, 'ERROR', text)


def _deserialize(double: Double, runtime: Any, data: bytes) -> Any:
    found = read_plan(bytes(data))
    if found is None:
        report(double, runtime, 'INVALID_ARGUMENT', 'Serialization assertion plan failed. '
               'Magic tag does not match')
        return None
    facts, graph = found
    if facts['version'] != double.version and not facts['compatible']:
        report(double, runtime, 'INVALID_CONFIG', 'The engine plan file is not compatible with '
               f'this version of TensorRT, expecting library version {double.version} got '
               f"{facts['version']}, please rebuild.")
        return None
    if facts['compatible'] and not runtime.__dict__.get('_engine_host_code_allowed'):
        report(double, runtime, 'INVALID_CONFIG', 'Engine contains host code, '
               'setEngineHostCodeAllowed(true) is needed')
        return None
    if facts['dla'] and runtime.__dict__.get('_DLA_core', 0) >= double.dla_cores:
        report(double, runtime, 'INVALID_CONFIG', 'DLA core is out of range')
        return None
    model = onnx.load_from_string(graph)
    values = [*model.graph.input, *model.graph.output]
    return double.made('ICudaEngine', runtime=runtime, facts=facts, model=model, names=[
        value.name for value in values], inputs=len(model.graph.input),
        kinds={value.name: KINDS[value.type.tensor_type.elem_type] for value in values},
        shapes={value.name: [dim.dim_value or -1 for dim in value.type.tensor_type.shape.dim]
                for value in values})


def _context(double: Double, engine: Any, *options: Any) -> Any:
    if double.fails('context'):
        report(double, engine._runtime, 'FAILED_ALLOCATION', 'CUDA error 2: out of memory')
        return None
    return double.made('IExecutionContext', engine=engine, addresses={}, profile=0, shapes={},
                       session=[])


def _bind(double: Double, context: Any, name: str, address: int) -> bool:
    if name not in context._engine._names or address % _ALIGNMENT_BYTES or not address:
        report(double, context._engine._runtime, 'INVALID_ARGUMENT',
               f'Tensor {name} is not known, or its address {address} is not aligned')
        return False
    context._addresses[name] = address
    return True


def _set_profile(double: Double, context: Any, index: int, stream: int) -> bool:
    context.__dict__.update(_profile=index, _shapes={})
    return True


def _set_shape(double: Double, context: Any, name: str, shape: Any) -> bool:
    shapes = context._engine._facts['profiles'][context._profile].get(name)
    if shapes is None or not all(
            low <= length <= high for low, length, high in zip(shapes[0], shape, shapes[2])):
        return False
    context._shapes[name] = list(shape)
    return True


def _shape(context: Any, name: str) -> list[int]:
    """Return the shape of a tensor; an output takes open lengths from the input it copies."""
    shape = context._engine._shapes[name]
    if name in context._shapes:
        return list(context._shapes[name])
    if -1 not in shape or not context._shapes:
        return list(shape)
    given = next(iter(context._shapes.values()))
    return [given[axis] if length == -1 and axis < len(given) else length
            for axis, length in enumerate(shape)]


def _enqueue(double: Double, context: Any, stream: int) -> bool:
    engine, missing = context._engine, [
        name for name in context._engine._names if name not in context._addresses]
    if missing or double.fails('run') or any(
            -1 in _shape(context, name) for name in engine._names):
        report(double, engine._runtime, 'INVALID_STATE',
               f'Address is not set for the tensors {missing}' if missing else 'launch failed')
        return False
    addresses = dict(context._addresses)
    if not double.queue(stream, lambda: _compute(context, addresses)):
        report(double, engine._runtime, 'FAILED_EXECUTION', 'operation not permitted when stream '
               'is capturing')
        return False
    return True


def _compute(context: Any, addresses: dict[str, int]) -> None:
    engine = context._engine
    if not context._session:
        context._session.append(onnxruntime.InferenceSession(
            _runnable(engine._model).SerializeToString(), providers=['CPUExecutionProvider']))
    values = {}
    for name in engine._names:
        shape, dtype = _shape(context, name), np.dtype(SIZES[engine._kinds[name]])
        size = math.prod(shape) * dtype.itemsize
        memory: Any = (ctypes.c_char * size).from_address(addresses[name])
        values[name] = np.frombuffer(memory, dtype).reshape(shape)
    inputs = engine._names[:engine._inputs]
    for name, found in zip(engine._names[engine._inputs:], context._session[0].run(
            None, {name: values[name] for name in inputs})):
        values[name][...] = found.astype(ml_dtypes.bfloat16).view(np.uint16) \
            if engine._kinds[name] == 'BF16' else found


def _runnable(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a graph that a CPU runs: bf16 is emulated, and leaves as float32."""
    copy = emulated_bf16(model) if any(
        tensor.data_type == onnx.TensorProto.BFLOAT16 for tensor in model.graph.initializer) \
        else onnx.ModelProto.FromString(model.SerializeToString())
    for output in copy.graph.output:
        if output.type.tensor_type.elem_type == onnx.TensorProto.BFLOAT16:
            copy.graph.node.append(onnx.helper.make_node(
                'Cast', [output.name], [f'{output.name}/wide'], to=onnx.TensorProto.FLOAT))
            output.name = f'{output.name}/wide'
            output.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    return copy


def _mode(double: Double, engine: Any, name: str) -> Any:
    modes = double.module.TensorIOMode
    return modes.INPUT if name in engine._names[:engine._inputs] else modes.OUTPUT


def _information(double: Double, inspector: Any, form: Any) -> str:
    return json.dumps({'Layers': [{'Name': f'layer {index}'} for index in range(
        inspector._engine._facts['layers'])]})


RUNS: dict[str, Behaviour] = {
    'Runtime.__init__': start,
    'Runtime.num_DLA_cores': lambda double, runtime: double.dla_cores,
    'Runtime.deserialize_cuda_engine': _deserialize,
    'ICudaEngine.num_io_tensors': lambda double, engine: len(engine._names),
    'ICudaEngine.get_tensor_name': lambda double, engine, index: engine._names[index],
    'ICudaEngine.get_tensor_mode': _mode,
    'ICudaEngine.get_tensor_dtype': lambda double, engine, name: double.module.DataType[
        engine._kinds[name]],
    'ICudaEngine.get_tensor_format': lambda double, engine, name, *profile:
        double.module.TensorFormat[engine._facts.get('format', 'LINEAR')],
    'ICudaEngine.get_tensor_shape': lambda double, engine, name: engine._shapes[name],
    'ICudaEngine.num_optimization_profiles': lambda double, engine: max(
        len(engine._facts['profiles']), 1),
    'ICudaEngine.get_tensor_profile_shape': lambda double, engine, name, index:
        engine._facts['profiles'][index][name],
    'ICudaEngine.create_runtime_config': lambda double, engine: double.made('IRuntimeConfig'),
    'ICudaEngine.create_execution_context': _context,
    'ICudaEngine.create_engine_inspector': lambda double, engine: double.made(
        'EngineInspector', engine=engine),
    'EngineInspector.get_engine_information': _information,
    'IExecutionContext.active_optimization_profile': lambda double, context: context._profile,
    'IExecutionContext.set_optimization_profile_async': _set_profile,
    'IExecutionContext.set_input_shape': _set_shape,
    'IExecutionContext.get_tensor_shape': lambda double, context, name: _shape(context, name),
    'IExecutionContext.set_tensor_address': _bind,
    'IExecutionContext.execute_async_v3': _enqueue,
}
