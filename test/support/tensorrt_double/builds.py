# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What the builder, the parser, the network and the configuration of the double do."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from support.tensorrt_double.double import Behaviour, Double, REFUSED
from support.tensorrt_double.plans import plan

from edge_trt_ros.convert.graph.edit import tensor_types

KINDS = {onnx.TensorProto.FLOAT: 'FLOAT', onnx.TensorProto.FLOAT16: 'HALF',
         onnx.TensorProto.BFLOAT16: 'BF16', onnx.TensorProto.INT8: 'INT8',
         onnx.TensorProto.UINT8: 'UINT8', onnx.TensorProto.INT32: 'INT32',
         onnx.TensorProto.INT64: 'INT64', onnx.TensorProto.BOOL: 'BOOL'}
_LAYERS = {'Conv': 'CONVOLUTION', 'MatMul': 'MATRIX_MULTIPLY', 'Cast': 'CAST',
           'QuantizeLinear': 'QUANTIZE', 'DequantizeLinear': 'DEQUANTIZE',
           'Reshape': 'SHUFFLE', 'Concat': 'CONCATENATION'}
_WEAK = ('FP16', 'BF16', 'INT8', 'FP8', 'INT4')
_PHASES = (('Building Engine', None, 3), ('Computing Weights', 'Building Engine', 2),
           ('Timing Kernels', 'Building Engine', 4))


def complain(double: Double, logger: Any, severity: str, text: str) -> None:
    """Log a line, as the library does before it returns None or False."""
    logger.log(double.module.ILogger.Severity[severity], text)


def start(double: Double, thing: Any, logger: Any) -> None:
    """Start a builder or a runtime; CUDA that does not fit ends it as pybind11 does."""
    if double.cuda_error:
        complain(double, logger, 'WARNING', 'CUDA initialization failure with error: '
                 f'{double.cuda_error}. Please check your CUDA installation')
        raise REFUSED
    thing.__dict__['_logger'] = logger


def _create_network(double: Double, builder: Any, flags: int) -> Any:
    known = double.module.NetworkDefinitionCreationFlag.__members__
    names = {name for name, bit in known.items() if flags and flags >> int(bit) & 1}
    return double.made('INetworkDefinition', names=names, inputs=[], layers=[], graph=b'',
                       types={}, flags=flags)


def _parse(double: Double, parser: Any, data: bytes, path: str | None) -> bool:
    model = onnx.load_from_string(data)
    parser._errors = [double.made('ParserError', node=node) for node in model.graph.node
                      if node.domain not in ('', 'ai.onnx')]
    if parser._errors or double.fails('parse'):
        return False
    network = parser._network
    types = tensor_types(onnx.shape_inference.infer_shapes(model).graph)
    stored = {tensor.name for tensor in model.graph.initializer}

    def tensor(name: str) -> Any:
        kind = KINDS.get(types.get(name, 0), 'FLOAT')
        return double.made('ITensor', name=name, dtype=double.module.DataType[kind], shape=())
    network._inputs = []
    for value in model.graph.input:
        made = tensor(value.name)
        made._shape = [dim.dim_value or -1 for dim in value.type.tensor_type.shape.dim]
        network._inputs.append(made)
    dequantized = {node.output[0] for node in model.graph.node
                   if node.op_type == 'DequantizeLinear'}
    network._layers = [double.made(
        'ILayer', type=double.module.LayerType[_LAYERS.get(node.op_type, 'ELEMENTWISE')],
        is_quantized=not dequantized.isdisjoint(node.input),
        inputs=[None if name in stored or not name else tensor(name) for name in node.input],
        outputs=[tensor(name) for name in node.output]) for node in model.graph.node]
    network._graph = data
    return True


def _add_profile(double: Double, config: Any, profile: Any) -> int:
    config.__dict__.setdefault('_profiles', []).append(profile)
    for minimum, optimum, maximum in profile._shapes.values():
        if not all(low <= middle <= high for low, middle, high in zip(
                minimum, optimum, maximum)):
            return -1
    return len(config._profiles) - 1


def _build(double: Double, builder: Any, network: Any, config: Any, *more: Any) -> Any:
    why = _why_not(double, network, config)
    if why:
        complain(double, builder._logger, 'ERROR', why)
        return None
    monitor = config.__dict__.get('_progress_monitor')
    if monitor is not None and not _reported(monitor):
        return None
    flags = {flag.name for flag in config.__dict__.get('_flags', ())}
    level = config.__dict__.get('_hardware_compatibility_level')
    device = config.__dict__.get('_default_device_type')
    facts = {'version': double.version, 'graph_bytes': len(network._graph),
             'gpu': double.gpu, 'compatible': 'VERSION_COMPATIBLE' in flags,
             'hardware': level.name if level is not None else 'NONE',
             'dla': device is not None and device.name == 'DLA',
             'profiles': [profile._shapes for profile in config.__dict__.get('_profiles', ())],
             'layers': len(network._layers)}
    cache = config.__dict__.get('_timings')
    if cache is not None:
        cache._data += b'timed;'
    return double.made('IHostMemory', data=plan(facts, network._graph))


def _why_not(double: Double, network: Any, config: Any) -> str:
    flags = {flag.name for flag in config.__dict__.get('_flags', ())}
    is_open = any(-1 in tensor.shape for tensor in network._inputs)
    if double.fails('build'):
        return 'Error Code 10: Internal Error (Could not find any implementation for node conv)'
    if 'STRONGLY_TYPED' in network._names and flags & set(_WEAK):
        return f'{sorted(flags & set(_WEAK))} cannot be set on a strongly typed network'
    if is_open and not config.__dict__.get('_profiles'):
        return 'Network has dynamic or shape inputs, but no optimization profile has been defined'
    device = config.__dict__.get('_default_device_type')
    if device is not None and device.name == 'DLA' and not double.dla_cores:
        return 'DLA is not available on this device'
    return ''


def _reported(monitor: Any) -> bool:
    """Report the phases as the library does; return whether the build goes on."""
    for name, parent, steps in _PHASES:
        monitor.phase_start(name, parent, steps)
    going_on = all(monitor.step_complete(name, step) for name, _, steps in reversed(_PHASES)
                   for step in range(steps))
    for name, _, _ in reversed(_PHASES):
        monitor.phase_finish(name)
    return going_on


def _can_run_on_dla(double: Double, config: Any, layer: Any) -> bool:
    # Convolutions in fp16; by documentation, before TensorRT 11 none with Q/DQ nodes.
    return layer._type.name == 'CONVOLUTION' and layer._outputs[0]._dtype.name == 'HALF' \
        and not (layer._is_quantized and double.version.startswith('10'))


def _create_timing_cache(double: Double, config: Any, stored: bytes) -> Any:
    header = f'{double.version} {double.gpu};'.encode()
    return double.made('ITimingCache', data=bytes(stored) or header, header=header)


def _set_timing_cache(double: Double, config: Any, cache: Any, ignore: bool) -> bool:
    if not cache._data.startswith(cache._header) and not ignore:
        return False
    config.__dict__['_timings'] = cache
    return True


BUILDS: dict[str, Behaviour] = {
    'Builder.__init__': start,
    'Builder.num_DLA_cores': lambda double, builder: double.dla_cores,
    'Builder.create_network': _create_network,
    'Builder.create_builder_config': lambda double, builder: double.made('IBuilderConfig'),
    'Builder.create_optimization_profile': lambda double, builder: double.made(
        'IOptimizationProfile', shapes={}),
    'Builder.build_serialized_network': _build,
    'IOptimizationProfile.set_shape': lambda double, profile, name, *shapes:
        profile._shapes.__setitem__(name, [list(shape) for shape in shapes]),
    'INetworkDefinition.num_inputs': lambda double, network: len(network._inputs),
    'INetworkDefinition.get_input': lambda double, network, index: network._inputs[index],
    'INetworkDefinition.num_layers': lambda double, network: len(network._layers),
    'INetworkDefinition.get_layer': lambda double, network, index: network._layers[index],
    'ILayer.num_outputs': lambda double, layer: len(layer._outputs),
    'ILayer.get_output': lambda double, layer, index: layer._outputs[index],
    'ILayer.get_input': lambda double, layer, index: layer._inputs[index]
        if index < len(layer._inputs) else None,
    'OnnxParser.__init__': lambda double, parser, network, logger: parser.__dict__.update(
        _network=network, _logger=logger, _errors=[]),
    'OnnxParser.parse': _parse,
    'OnnxParser.num_errors': lambda double, parser: len(parser._errors),
    'OnnxParser.get_error': lambda double, parser, index: parser._errors[index],
    'ParserError.node_name': lambda double, error: error._node.name,
    'ParserError.node_operator': lambda double, error: error._node.op_type,
    'ParserError.desc': lambda double, error: f'Plugin not found, are the plugin name, version, '
        f'and namespace correct? {error._node.domain}',
    'IBuilderConfig.set_memory_pool_limit': lambda double, config, pool, size: None,
    'IBuilderConfig.set_flag': lambda double, config, flag: config.__dict__.setdefault(
        '_flags', []).append(flag),
    'IBuilderConfig.add_optimization_profile': _add_profile,
    'IBuilderConfig.can_run_on_DLA': _can_run_on_dla,
    'IBuilderConfig.create_timing_cache': _create_timing_cache,
    'IBuilderConfig.set_timing_cache': _set_timing_cache,
    'IBuilderConfig.get_timing_cache': lambda double, config: config.__dict__.get('_timings'),
    'ITimingCache.serialize': lambda double, cache: double.made(
        'IHostMemory', data=cache._data),
}
SIZES = {'FLOAT': np.float32, 'HALF': np.float16, 'INT8': np.int8, 'UINT8': np.uint8,
         'INT32': np.int32, 'INT64': np.int64, 'BOOL': np.bool_, 'BF16': np.uint16}
