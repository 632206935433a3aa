# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Build a TensorRT engine from an ONNX graph: strongly typed, with progress and cancellation.

Strongly typed means that the library computes in the types of the graph, so the graph alone
determines the precision. TensorRT for RTX builds without a GPU; TensorRT builds on the GPU that
the engine will run on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TYPE_CHECKING

import onnx

from edge_trt_ros.convert.graph.layers import layer_precisions
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.tensorrt.dla import (check_dla, is_weakly_typed, layers_on_dla,
                                               weak_flags)
from edge_trt_ros.convert.tensorrt.progress import Progress, progress_monitor
from edge_trt_ros.convert.tensorrt.timing_cache import read_timing_cache, timing_cache_path
from edge_trt_ros.errors import BuildError, ConfigurationError, ModelError
from edge_trt_ros.files import write_file
from edge_trt_ros.runtime.tensorrt.device import find_gpu, GpuDevice
from edge_trt_ros.runtime.tensorrt.library import (complaints, library_logger, started,
                                                   TensorRt)

if TYPE_CHECKING:
    from tensorrt import Builder, IBuilderConfig, INetworkDefinition, Module, OnnxParser

Shape = tuple[int, ...]
Profile = Mapping[str, tuple[Shape, Shape, Shape]]


@dataclass(frozen=True)
class SerializedEngine:
    """
    A TensorRT engine in memory.

    :param data: the engine's bytes.
    :param layers: how many layers compute in each precision, the source of these counts, and
        how many of all layers run on a DLA.
    :param target: the compute capabilities it runs on, and the GPU and driver it was built with.
    """

    data: bytes
    layers: Mapping[str, Any]
    target: Mapping[str, Any]


def engine_from_onnx(model: onnx.ModelProto, options: BuildOptions, library: TensorRt, *,
                     profiles: Sequence[Profile] = (), timing_cache_folder: Path | None = None,
                     progress: Progress = lambda phase, fraction: None) -> SerializedEngine:
    """
    Build an engine.

    :param model: the graph, with its precision written into it; not modified.
    :param options: workspace, targets, compatibility and sparsity.
    :param library: the library that builds.
    :param profiles: minimum, optimum and maximum shape by name, for inputs with open dimensions.
    :param timing_cache_folder: folder of the kernel timings that speed up the next build; not
        used for TensorRT for RTX, which times no kernels.
    :param progress: called with a phase and the fraction done; if it raises, the build stops.
    :raises ModelError: for a graph that the parser refuses, with the names of the nodes.
    :raises ConfigurationError: for options that this library does not support.
    :raises BuildError: if the build fails, with the library's log messages.
    """
    gpu = find_gpu()
    _check(options, library, gpu)
    trt = library.module
    # The library requires that all of these outlive the build, created in this order.
    logger = library_logger(library)
    builder: Builder = started(library, 'Builder')
    if options.dla:
        check_dla(builder, library)
    network = builder.create_network(_network_flags(trt, options.dla))
    parser = _parse(model, network, library, logger)
    config = builder.create_builder_config()
    _configure(config, trt, options, model)
    on_dla = layers_on_dla(config, network, library) if options.dla else {}
    _add_profiles(builder, network, config, profiles)
    timings = timing_cache_path(timing_cache_folder, library, gpu)
    cache = read_timing_cache(config, timings)
    monitor = progress_monitor(trt, progress)
    config.progress_monitor = monitor
    serialized = builder.build_serialized_network(network, config)
    if monitor.raised is not None:
        raise monitor.raised
    del parser  # it owns the weights, so it must live until here
    if serialized is None:
        raise BuildError(f'{library.name} {library.version} did not build the engine: '
                         f'{complaints(library)}')
    if cache is not None and timings is not None:
        write_file(timings, bytes(config.get_timing_cache().serialize()))
    return SerializedEngine(bytes(serialized), {**layer_precisions(network), **on_dla},
                            _target(options, library, gpu))


def check_parses(model: onnx.ModelProto, library: TensorRt) -> None:
    """
    Check that the library's parser accepts a graph; this builds nothing.

    :param model: the graph; not modified.
    :param library: the library that would build.
    :raises ModelError: with the names of the nodes that it refuses.
    """
    logger = library_logger(library)
    builder: Builder = started(library, 'Builder')
    network = builder.create_network(_network_flags(library.module, False))
    _parse(model, network, library, logger)


def _parse(model: onnx.ModelProto, network: INetworkDefinition, library: TensorRt, logger: Any
           ) -> OnnxParser:
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
    if options.hardware_compatible and gpu is not None and gpu.is_integrated:
        raise ConfigurationError(
            f'hardware_compatible is set, but {library.name} {library.version} does not support '
            f'it on a Jetson ({gpu.name}): unset it, and build on each type of Jetson')
    if options.dla and library.is_rtx:
        raise ConfigurationError('dla is set, but TensorRT for RTX does not support DLAs: unset '
                                 'it, or build with tensorrt')
    if options.dla and options.precision not in ('fp16', 'int8'):
        raise ConfigurationError(f'dla is set and precision is {options.precision}, but a DLA '
                                 'computes in fp16 or int8: set precision to one of them')
    if library.is_rtx and options.version_compatible:
        raise ConfigurationError('version_compatible is set, but TensorRT for RTX engines run '
                                 'only with the version that built them: unset it, or build with '
                                 'tensorrt')
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


def _network_flags(trt: Module, dla: bool) -> int:
    flags = trt.NetworkDefinitionCreationFlag
    strong = None if is_weakly_typed(trt, dla) else flags.STRONGLY_TYPED
    return 1 << int(flags.EXPLICIT_BATCH if strong is None else strong)


def _configure(config: IBuilderConfig, trt: Module, options: BuildOptions, model: onnx.ModelProto
               ) -> None:
    if options.workspace_mb:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mb << 20)
    flags = [trt.BuilderFlag.SPARSE_WEIGHTS] if options.sparsity else []
    if options.version_compatible:
        flags.append(trt.BuilderFlag.VERSION_COMPATIBLE)
    if options.dla:
        flags.append(trt.BuilderFlag.GPU_FALLBACK)
        config.default_device_type = trt.DeviceType.DLA
    if is_weakly_typed(trt, options.dla):
        flags += weak_flags(trt, model)
    for flag in flags:
        config.set_flag(flag)
    if options.hardware_compatible and hasattr(trt, 'HardwareCompatibilityLevel'):
        config.hardware_compatibility_level = trt.HardwareCompatibilityLevel.AMPERE_PLUS
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if options.compute_capabilities:
        config.num_compute_capabilities = len(options.compute_capabilities)
        for index, capability in enumerate(options.compute_capabilities):
            config.set_compute_capability(
                getattr(trt.ComputeCapability, _member(capability)), index)


def _add_profiles(builder: Builder, network: INetworkDefinition, config: IBuilderConfig,
                  profiles: Sequence[Profile]) -> None:
    tensors = [network.get_input(index) for index in range(network.num_inputs)]
    open_inputs = {tensor.name: tuple(tensor.shape) for tensor in tensors
                   if -1 in tuple(tensor.shape)}
    if open_inputs and not profiles:
        raise ConfigurationError(
            f'the inputs {open_inputs} leave dimensions open: give input_shape, or a profile')
    for shapes in profiles:
        profile = builder.create_optimization_profile()
        for name, (minimum, optimum, maximum) in shapes.items():
            profile.set_shape(name, minimum, optimum, maximum)
        if config.add_optimization_profile(profile) < 0:
            raise ConfigurationError(f'the profile {dict(shapes)} does not fit the inputs '
                                     f'{open_inputs}: expected minimum <= optimum <= maximum, '
                                     "and the network's own lengths for its fixed dimensions")


def _parser_errors(parser: OnnxParser) -> str:
    errors = [parser.get_error(index) for index in range(parser.num_errors)]
    clauses = [f"node '{error.node_name()}' ({error.node_operator()}): "
               f"{' '.join(error.desc().split())}" for error in errors]
    return '; '.join(dict.fromkeys(clauses))


def _target(options: BuildOptions, library: TensorRt, gpu: GpuDevice | None
            ) -> dict[str, Any]:
    if library.is_rtx:
        # Portable by default: the GPU that loads the engine, 7.5 or later, compiles the kernels.
        return {'compute_capabilities': list(options.compute_capabilities), 'gpu': '',
                'driver': ''}
    if gpu is None:  # `_check` refuses this before the build
        raise BuildError('there is no GPU here')
    return {'compute_capabilities': ['8.0+'] if options.hardware_compatible
            else [gpu.compute_capability], 'gpu': gpu.name, 'driver': gpu.driver}


def _member(compute_capability: str) -> str:
    return f"SM{compute_capability.replace('.', '')}"
