"""A TensorRT engine on a GPU: every frame on a stream of our own, as one CUDA graph."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
import hashlib
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

from numpy.typing import NDArray

from edge_trt_ros.errors import EngineError
from edge_trt_ros.manifest import EngineManifest, TOKENS
from edge_trt_ros.runtime.contract import Frame, Ticket
from edge_trt_ros.runtime.cuda.kernel_cache import cache_folder
from edge_trt_ros.runtime.cuda.lane import Lane
from edge_trt_ros.runtime.cuda.preprocess_kernel import PreprocessKernel
from edge_trt_ros.runtime.cuda.session import CudaSession
from edge_trt_ros.runtime.cuda.slot import Slot
from edge_trt_ros.runtime.host_preprocess import token_bytes
from edge_trt_ros.runtime.tensorrt.device import find_gpu, GpuDevice
from edge_trt_ros.runtime.tensorrt.identity import check_identity
from edge_trt_ros.runtime.tensorrt.library import TensorRt
from edge_trt_ros.runtime.tensorrt.network import TensorRtNetwork
from edge_trt_ros.runtime.tensorrt.ultralytics_header import plan_of
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.pixel_encodings import pixel_encoding


class TensorRtEngine:
    """
    A network on a GPU (see `runtime.contract.Runtime`).

    :param engine: the engine file's bytes.
    :param manifest: what they are; the bytes are checked against it before.
    :param library: `tensorrt` or `tensorrt_rtx`.
    :param device_id: which GPU.
    :param dla_core: which DLA core runs an engine built for one; -1 takes the first.
    :param use_graph: False launches call by call, to measure against.
    :raises EngineError: if the engine cannot run here; then nothing stays allocated.
    """

    slots = 2

    def __init__(self, engine: bytes, manifest: EngineManifest, library: TensorRt, *,
                 device_id: int = 0, dla_core: int = -1, use_graph: bool = True) -> None:
        gpu = find_gpu(device_id)
        if gpu is None:
            raise EngineError(f'the engine needs an NVIDIA GPU, and there is none with the number '
                              f'{device_id} here: does `nvidia-smi` show it?')
        check_identity(manifest, library, gpu)
        if len(manifest.inputs) != 1:
            raise EngineError(f'the engine takes {len(manifest.inputs)} inputs, on a GPU it has '
                              'to take one image: build it with --backend onnxruntime')
        self.manifest, self._library = manifest, library
        self._closing = Lock()
        self._session = CudaSession(device_id)
        self.device_name = self._session.device_name
        with self._session.current(), ExitStack() as stack:
            stack.callback(self._session.close)
            free_bytes = [self._session.memory_bytes()[0]]
            self._network = TensorRtNetwork(plan_of(engine), manifest, library, dla_core,
                                            _compiled_path(manifest, gpu))
            stack.callback(self._network.close)
            free_bytes.append(self._session.memory_bytes()[0])
            kernel = None
            if manifest.input_contract.layout != TOKENS:
                kernel = PreprocessKernel(self._session, manifest.input_contract,
                                          self._network.inputs[0].dtype)
                stack.callback(kernel.close)
            self._lanes = []
            for _ in range(self.slots):
                slot = Slot(self._network.inputs[0], self._network.outputs)
                stack.callback(slot.close)
                self._lanes.append(Lane(self._session.stream, kernel, slot, self._enqueue,
                                        use_graph))
                stack.callback(self._lanes[-1].close)
            free_bytes.append(self._session.memory_bytes()[0])
            # The first run allocates and compiles, which a graph must not.
            self._enqueue(slot)
            self._session.stream.synchronize()
            self._network.remember_compiled()
            free_bytes.append(self._session.memory_bytes()[0])
            self._engine_bytes = free_bytes[0] - free_bytes[1] + free_bytes[2] - free_bytes[3]
            self._held = stack.pop_all()

    @property
    def why_no_graph(self) -> str:
        """Why frames are launched call by call; '' as long as each is one CUDA graph."""
        return self._lanes[0].why_no_graph or self._lanes[1].why_no_graph

    def submit(self, frame: Frame, *, slot: int = 0) -> Ticket:
        """See `Runtime.submit`."""
        contract = self.manifest.input_contract
        if contract.layout == TOKENS:
            token_bytes(frame, contract)
        else:
            pixel_encoding(frame.encoding)
        letterbox = Letterbox.fit(frame.size_wh, contract.size_wh)
        with self._session.current():
            self._lanes[slot].launch(frame, letterbox)
        return Ticket(slot, letterbox, None)

    def collect(self, ticket: Ticket) -> Mapping[str, NDArray[Any]]:
        """See `Runtime.collect`."""
        with self._session.current():
            return self._lanes[ticket.slot].wait()

    def stage_times_ms(self, ticket: Ticket) -> Mapping[str, float]:
        """See `Runtime.stage_times_ms`."""
        with self._session.current():
            return self._lanes[ticket.slot].stage_times_ms()

    def memory_mb(self) -> Mapping[str, float]:
        """See `Runtime.memory_mb`."""
        with self._session.current():
            free_bytes, total_bytes = self._session.memory_bytes()
        return {'gpu_memory_used_mb': (total_bytes - free_bytes) / 1e6,
                'gpu_memory_total_mb': total_bytes / 1e6,
                # As the device's free memory fell: weights, activations, code, and whatever other
                # processes took meanwhile.
                'engine_memory_mb': self._engine_bytes / 1e6}

    def layers(self) -> str:
        """Return what TensorRT's inspector tells of the built layers, as JSON text."""
        with self._session.current():
            return self._network.layers(self._library)

    def close(self) -> None:
        """See `Runtime.close`."""
        with self._closing, self._session.current():
            self._held.close()

    def __enter__(self) -> TensorRtEngine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def _enqueue(self, slot: Slot) -> None:
        self._network.bind(slot.addresses)
        self._network.enqueue(self._session.stream.handle)


def _compiled_path(manifest: EngineManifest, gpu: GpuDevice) -> Path:
    identity = '\n'.join((manifest.engine_sha256, manifest.backend_version, gpu.name,
                          gpu.compute_capability, gpu.driver))
    return cache_folder() / f'{hashlib.sha256(identity.encode()).hexdigest()[:32]}.runtime_cache'
