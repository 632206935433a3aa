# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A deserialised TensorRT engine with its execution contexts; tensors are bound by name."""

from __future__ import annotations

from collections.abc import Mapping
import logging
from pathlib import Path
from typing import Any, TYPE_CHECKING

from edge_trt_ros.errors import EngineError
from edge_trt_ros.files import write_file
from edge_trt_ros.manifest import batch_sizes, EngineManifest, REBUILD
from edge_trt_ros.runtime.tensorrt.library import complaints, error_recorder, started, TensorRt
from edge_trt_ros.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from tensorrt import ICudaEngine, IExecutionContext, IRuntimeCache, Module, Runtime

DTYPES = {'FLOAT': 'float32', 'HALF': 'float16', 'BF16': 'bfloat16', 'UINT8': 'uint8',
          'INT8': 'int8', 'INT32': 'int32', 'INT64': 'int64', 'BOOL': 'bool'}
_KEPT_CACHES = 32
_LOG = logging.getLogger(__name__)


class TensorRtNetwork:
    """
    One network on one GPU; the device's context must be current for all calls.

    :param plan: the serialised engine; its identity is already checked.
    :param manifest: manifest of the engine.
    :param library: the library that runs the engine.
    :param dla_core: DLA core that runs the engine; -1 selects the first if it is built for DLA.
    :param cache_path: file in which TensorRT for RTX caches the code compiled for this GPU.
    :raises EngineError: if the engine cannot be loaded or differs from the manifest.
    """

    def __init__(self, plan: bytes, manifest: EngineManifest, library: TensorRt, dla_core: int,
                 cache_path: Path) -> None:
        self._runtime: Runtime = None
        self._engine: ICudaEngine = None
        # By the number of samples that they run, ascending.
        self._contexts: dict[int, IExecutionContext] = {}
        self._cache: IRuntimeCache = None
        self._cache_path = cache_path
        self._library = library
        self._recorder = error_recorder(library)
        try:
            self._load(plan, manifest, library, dla_core)
        except BaseException:
            # Free now, while the context is current, not when the error is garbage-collected.
            self.close()
            raise

    def enqueue(self, addresses: Mapping[str, int], samples: int, stream_handle: int) -> None:
        """
        Queue the network on a stream, for the smallest batch that it is built for.

        :param addresses: device addresses of the tensors by name.
        :param samples: number of samples; the tensors have room for the largest batch.
        :param stream_handle: the stream.
        :raises EngineError: if TensorRT fails, with its message.
        """
        context = self._contexts[next(size for size in self._contexts if size >= samples)]
        for name, address in addresses.items():
            if not context.set_tensor_address(name, address):
                raise EngineError(f"tensor '{name}' cannot be bound: {self._complaint()}")
        if not context.execute_async_v3(stream_handle):
            raise EngineError(f'the network cannot be started: {self._complaint()}')

    def remember_compiled(self) -> None:
        """Cache the code that TensorRT for RTX compiled, for the next start."""
        if self._cache is None or self._cache_path.exists():
            return
        try:
            write_file(self._cache_path, bytes(self._cache.serialize()))
            _prune(self._cache_path)
        except OSError as error:
            _LOG.warning('%s cannot be written (%s): the next start compiles again',
                         self._cache_path, error.strerror)

    def layers(self, library: TensorRt) -> str:
        """Return the layers as JSON text, from the engine inspector."""
        inspector = self._engine.create_engine_inspector()
        return str(inspector.get_engine_information(
            library.module.LayerInformationFormat.JSON))

    def close(self) -> None:
        """Free context, engine and runtime, in this order; may be called twice."""
        self._contexts, self._cache = {}, None
        self._engine = None
        self._runtime = None

    def _load(self, plan: bytes, manifest: EngineManifest, library: TensorRt, dla_core: int
              ) -> None:
        trt = library.module
        self._runtime = started(library, 'Runtime')
        self._runtime.error_recorder = self._recorder
        if manifest.options.get('version_compatible'):
            # Such a plan contains its own runtime as host code; its hash is already checked.
            self._runtime.engine_host_code_allowed = True
        _choose_dla(self._runtime, manifest, library, dla_core)
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            raise EngineError(f'{library.name} {library.version} cannot load this engine: '
                              f'{self._complaint()}; {REBUILD}')
        config = self._runtime_config()
        for size in batch_sizes(manifest.max_batch):
            self._contexts[size] = self._execution_context(config)
            self._set_input_shapes(manifest, self._contexts[size], size)
        names = [self._engine.get_tensor_name(index)
                 for index in range(self._engine.num_io_tensors)]
        is_input = {name: self._engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
                    for name in names}
        _check_names('inputs', manifest.inputs, [name for name in names if is_input[name]])
        _check_names('outputs', manifest.outputs, [name for name in names if not is_input[name]])
        self.inputs = tuple(self._spec(trt, spec.name) for spec in manifest.inputs)
        self.outputs = tuple(self._spec(trt, spec.name) for spec in manifest.outputs)
        for stated, found in zip((*manifest.inputs, *manifest.outputs),
                                 (*self.inputs, *self.outputs)):
            if stated.dtype != found.dtype or not _fits(stated.shape, found.shape):
                raise EngineError(f'the engine has the tensor {found}, but its manifest states '
                                  f'{stated}: {REBUILD}')

    def _runtime_config(self) -> Any:
        """Return what contexts are created with; None for versions without it."""
        # Only TensorRT for RTX compiles when a context is created, so only it has a cache.
        if not hasattr(self._engine, 'create_runtime_config'):
            return None
        config = self._engine.create_runtime_config()
        if not hasattr(config, 'create_runtime_cache'):
            return None
        self._cache = config.create_runtime_cache()
        try:
            self._cache.deserialize(self._cache_path.read_bytes())
        except OSError:
            pass
        config.set_runtime_cache(self._cache)
        return config

    def _execution_context(self, config: Any) -> IExecutionContext:
        context = self._engine.create_execution_context() if config is None \
            else self._engine.create_execution_context(config)
        if context is None:
            raise EngineError(f'the engine does not fit into the memory of this GPU: '
                              f'{self._complaint()}')
        return context

    def _set_input_shapes(self, manifest: EngineManifest, context: IExecutionContext, size: int
                          ) -> None:
        """Set the shapes of a batch of samples with the size in the manifest."""
        for spec in manifest.inputs:
            if -1 not in tuple(self._engine.get_tensor_shape(spec.name)):
                continue
            one, *lengths = manifest.input_shape(spec.name)
            wanted = (one * size, *lengths)
            ranges = [self._engine.get_tensor_profile_shape(spec.name, index)
                      for index in range(self._engine.num_optimization_profiles)]
            fitting = [index for index, (smallest, _, largest) in enumerate(ranges) if all(
                low <= length <= high
                for low, length, high in zip(smallest, wanted, largest))]
            if not fitting:
                accepted = ' or '.join(f'{list(smallest)} to {list(largest)}'
                                       for smallest, _, largest in ranges)
                raise EngineError(f"the input '{spec.name}' needs the shape {list(wanted)}, but "
                                  f'the engine accepts {accepted}: {REBUILD}')
            if fitting[0] != context.active_optimization_profile:
                context.set_optimization_profile_async(fitting[0], 0)
            context.set_input_shape(spec.name, wanted)

    def _spec(self, trt: Module, name: str) -> TensorSpec:
        kind = self._engine.get_tensor_dtype(name).name
        shape = tuple(self._contexts[1].get_tensor_shape(name))
        if kind not in DTYPES or self._engine.get_tensor_format(name) != trt.TensorFormat.LINEAR:
            raise EngineError(f"tensor '{name}' is {kind} in the format "
                              f'{self._engine.get_tensor_format(name).name}; supported are '
                              f"{', '.join(DTYPES)} in LINEAR: {REBUILD}")
        if -1 in shape:
            raise EngineError(f"the shape of tensor '{name}' is {list(shape)}, which depends on "
                              'the image: build the engine with this package for a fixed shape')
        return TensorSpec(name, DTYPES[kind], shape)

    def _complaint(self) -> str:
        return self._recorder.text() or complaints(self._library)


def _prune(newest: Path) -> None:
    """Remove the oldest caches: the caches of rebuilt engines are never used again."""
    caches = sorted(newest.parent.glob(f'*{newest.suffix}'), key=lambda path: path.stat().st_mtime)
    for path in caches[:-_KEPT_CACHES]:
        path.unlink(missing_ok=True)


def _choose_dla(runtime: Runtime, manifest: EngineManifest, library: TensorRt, dla_core: int
                ) -> None:
    if not manifest.options.get('dla'):
        if dla_core >= 0:
            raise EngineError(f'dla_core is {dla_core}, but the engine is built for the GPU: set '
                              'it to -1, or build the engine with dla')
        return
    cores = int(getattr(runtime, 'num_DLA_cores', 0))
    core = max(dla_core, 0)
    if core >= cores:
        raise EngineError(f'the engine needs DLA core {core}, but {library.name} '
                          f'{library.version} finds {cores} DLA cores here: build it without '
                          'dla', code='dla_missing')
    runtime.DLA_core = core


def _check_names(kind: str, stated: tuple[TensorSpec, ...], found: list[str]) -> None:
    names = [spec.name for spec in stated]
    if sorted(names) != sorted(found):
        raise EngineError(f'the engine has the {kind} {found}, but its manifest names {names}: '
                          f'{REBUILD}')


def _fits(stated: tuple[int, ...], found: tuple[int, ...]) -> bool:
    return len(stated) == len(found) and all(
        want in (-1, have) for want, have in zip(stated, found))
