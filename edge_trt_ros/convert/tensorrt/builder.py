"""
An ONNX graph becomes a TensorRT engine: parsed, strongly typed, built with progress and cancel.

Strongly typed means that the library computes in the types that the graph states, so that a
precision is what it says. TensorRT for RTX builds without a GPU; TensorRT builds on the GPU
that the engine will run on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from edge_trt_ros.convert.graph.layers import layer_precisions
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.tensorrt.progress import Progress, progress_monitor
from edge_trt_ros.errors import BuildError, ConfigurationError, ModelError
from edge_trt_ros.files import read_file, write_file
from edge_trt_ros.runtime.tensorrt.device import find_gpu, GpuDevice
from edge_trt_ros.runtime.tensorrt.library import complaints, library_logger, TensorRt

Shape = tuple[int, ...]
Profile = Mapping[str, tuple[Shape, Shape, Shape]]


@dataclass(frozen=True)
class SerializedEngine:
    """
    What TensorRT built, in memory.

    :param data: the engine's bytes.
    :param layers: how many layers compute in each precision, and how that is known.
    :param target: what it runs on: compute capabilities, GPU and driver it was built with.
    """

    data: bytes
    layers: Mapping[str, Any]
    target: Mapping[str, Any]


def engine_from_onnx(model: onnx.ModelProto, options: BuildOptions, library: TensorRt, *,
                     profiles: Sequence[Profile] = (), timing_cache_path: Path | None = None,
                     progress: Progress = lambda phase, fraction: None) -> SerializedEngine:
    """
    Build an engine.

    :param model: what to build, its precision written into the graph; not modified.
    :param options: workspace, targets, compatibility and sparsity.
    :param library: who builds.
    :param profiles: for inputs of open dimensions: name to smallest, usual and largest shape.
    :param timing_cache_path: file that spares the next build the timing of kernels; ignored by
        TensorRT for RTX, which times nothing.
    :param progress: called with a phase and the fraction done; if it raises, the build stops.
    :raises ModelError: for a graph that the parser refuses, naming its nodes.
    :raises ConfigurationError: for options that this library cannot build.
    :raises BuildError: if the build fails, with what the library logged.
    """
    gpu = find_gpu()
    _check(options, library, gpu)
    trt = library.module
    # The library wants all of these to outlive the build, in this order.
    logger = library_logger(library)
    builder = trt.Builder(logger)
    if builder is None:
        raise BuildError(f'{library.name} cannot start: {complaints(library)}')
    if options.dla and not builder.num_DLA_cores:
        raise ConfigurationError(f'dla is set, but {library.name} {library.version} sees no DLA '
                                 'core on this machine: unset it, or build on a Jetson with one')
    network = builder.create_network(_network_flags(trt, options.dla))
    parser = _parse(model, network, library, logger)
    config = builder.create_builder_config()
    _configure(config, trt, options, model)
    _add_profiles(builder, network, config, profiles)
    cache = _read_timing_cache(config, library, timing_cache_path)
    monitor = progress_monitor(trt, progress)
    config.progress_monitor = monitor
    serialized = builder.build_serialized_network(network, config)
    if monitor.raised is not None:
        raise monitor.raised
    del parser  # which owns the weights, and so must live until here
    if serialized is None:
        raise BuildError(f'{library.name} {library.version} did not build the engine: '
                         f'{complaints(library)}')
    if cache is not None and timing_cache_path is not None:
        write_file(timing_cache_path, bytes(config.get_timing_cache().serialize()))
    return SerializedEngine(bytes(serialized), layer_precisions(trt, network),
                            _target(options, library, gpu))


def check_parses(model: onnx.ModelProto, library: TensorRt) -> None:
    """
    Ask the library's own parser whether it can take a graph; this builds nothing.

    :param model: the graph; not modified.
    :param library: who would build.
    :raises ModelError: naming the nodes that it refuses.
    """
    trt = library.module
    logger = library_logger(library)
    builder = trt.Builder(logger)
    if builder is None:
        raise BuildError(f'{library.name} cannot start: {complaints(library)}')
    network = builder.create_network(_network_flags(trt, False))
    _parse(model, network, library, logger)


def _parse(model: onnx.ModelProto, network: Any, library: TensorRt, logger: Any) -> Any:
    parser = library.module.OnnxParser(network, logger)
    if not parser.parse(model.SerializeToString()):
        raise ModelError(f'{library.name} {library.version} cannot build this network: '
                         f'{_parser_errors(parser) or complaints(library)}',
                         code='operator_unsupported')
    return parser


def _check(options: BuildOptions, library: TensorRt, gpu: GpuDevice | None) -> None:
    trt = library.module
    if not library.is_rtx and gpu is None:
        raise ConfigurationError('tensorrt builds on the GPU that the engine will run on, and '
                                 'there is none here: build on the robot, or with tensorrt_rtx')
    if options.dla and library.is_rtx:
        raise ConfigurationError('dla is set, but TensorRT for RTX knows no DLA: unset it, or '
                                 'build with tensorrt')
    if options.dla and options.precision not in ('fp16', 'int8'):
        raise ConfigurationError(f'dla is set and precision is {options.precision}, but a DLA '
                                 'computes in fp16 or int8: set precision to one of them')
    if library.is_rtx and options.version_compatible:
        raise ConfigurationError('version_compatible is set, but engines of TensorRT for RTX are '
                                 'for one version only: unset it, or build with tensorrt')
    known = getattr(trt, 'ComputeCapability', None)
    if options.compute_capabilities and known is None:
        raise ConfigurationError(
            f'compute_capabilities is set, but {library.name} {library.version} builds for the '
            'GPU it finds: unset it, or set hardware_compatible')
    members = getattr(known, '__members__', {})
    for capability in options.compute_capabilities:
        if _member(capability) not in members:
            names = [f'{name[2:-1]}.{name[-1]}' for name in members if name[:2] == 'SM']
            raise ConfigurationError(
                f"compute_capabilities holds '{capability}', but {library.name} "
                f"{library.version} builds for {', '.join(names)}")


def _is_weakly_typed(trt: Any, dla: bool) -> bool:
    # As long as there are flags for precisions (until TensorRT 11), a DLA obeys only them.
    return (not hasattr(trt.NetworkDefinitionCreationFlag, 'STRONGLY_TYPED')
            or dla and hasattr(trt.BuilderFlag, 'FP16'))


def _network_flags(trt: Any, dla: bool) -> int:
    flags = trt.NetworkDefinitionCreationFlag
    strong = None if _is_weakly_typed(trt, dla) else flags.STRONGLY_TYPED
    return 1 << int(flags.EXPLICIT_BATCH if strong is None else strong)


def _configure(config: Any, trt: Any, options: BuildOptions, model: onnx.ModelProto) -> None:
    if options.workspace_mb:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mb << 20)
    flags = ['SPARSE_WEIGHTS'] if options.sparsity else []
    if options.version_compatible:
        flags.append('VERSION_COMPATIBLE')
    if options.dla:
        flags.append('GPU_FALLBACK')
        config.default_device_type = trt.DeviceType.DLA
    if _is_weakly_typed(trt, options.dla):
        flags += _weak_flags(model)
    for name in flags:
        config.set_flag(getattr(trt.BuilderFlag, name))
    if options.hardware_compatible and hasattr(trt, 'HardwareCompatibilityLevel'):
        config.hardware_compatibility_level = trt.HardwareCompatibilityLevel.AMPERE_PLUS
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if options.compute_capabilities:
        config.num_compute_capabilities = len(options.compute_capabilities)
        for index, capability in enumerate(options.compute_capabilities):
            config.set_compute_capability(
                getattr(trt.ComputeCapability, _member(capability)), index)


def _weak_flags(model: onnx.ModelProto) -> list[str]:
    """Return the flags that allow, on a weakly typed network, the types that the graph states."""
    kinds = {tensor.data_type for tensor in model.graph.initializer}
    kinds |= {attribute.i for node in model.graph.node if node.op_type == 'Cast'
              for attribute in node.attribute if attribute.name == 'to'}
    operators = {node.op_type for node in model.graph.node}
    return [flag for flag, there in (
        ('FP16', onnx.TensorProto.FLOAT16 in kinds), ('BF16', onnx.TensorProto.BFLOAT16 in kinds),
        ('INT8', 'QuantizeLinear' in operators)) if there]


def _add_profiles(builder: Any, network: Any, config: Any, profiles: Sequence[Profile]) -> None:
    tensors = [network.get_input(index) for index in range(network.num_inputs)]
    open_inputs = {one.name: tuple(one.shape) for one in tensors if -1 in tuple(one.shape)}
    if open_inputs and not profiles:
        raise ConfigurationError(
            f'the inputs {open_inputs} leave dimensions open: give input_shape, or a profile')
    for shapes in profiles:
        profile = builder.create_optimization_profile()
        for name, (smallest, usual, largest) in shapes.items():
            profile.set_shape(name, smallest, usual, largest)
        if config.add_optimization_profile(profile) < 0:
            raise ConfigurationError(f'the profile {dict(shapes)} does not fit the inputs '
                                     f'{open_inputs}: smallest <= usual <= largest, and the '
                                     "network's own lengths where it fixes them")


def _read_timing_cache(config: Any, library: TensorRt, path: Path | None) -> Any:
    if path is None or library.is_rtx:
        return None
    try:
        known = read_file(path)
    except OSError:
        known = b''
    cache = config.create_timing_cache(known)
    # Refuses a cache of another GPU or version; then the build times anew.
    if not config.set_timing_cache(cache, False):
        cache = config.create_timing_cache(b'')
        config.set_timing_cache(cache, False)
    return cache


def _parser_errors(parser: Any) -> str:
    errors = [parser.get_error(index) for index in range(parser.num_errors)]
    told = [f"node '{error.node_name()}' ({error.node_operator()}): "
            f"{' '.join(error.desc().split())}" for error in errors]
    return '; '.join(dict.fromkeys(told))


def _target(options: BuildOptions, library: TensorRt, gpu: GpuDevice | None
            ) -> dict[str, Any]:
    if library.is_rtx:
        # Portable by default: kernels are compiled on the GPU that loads it, from 7.5 on.
        return {'compute_capabilities': list(options.compute_capabilities), 'gpu': '',
                'driver': ''}
    if gpu is None:  # refused before the build
        raise BuildError('there is no GPU here')
    return {'compute_capabilities': ['8.0+'] if options.hardware_compatible
            else [gpu.compute_capability], 'gpu': gpu.name, 'driver': gpu.driver}


def _member(compute_capability: str) -> str:
    return f"SM{compute_capability.replace('.', '')}"
