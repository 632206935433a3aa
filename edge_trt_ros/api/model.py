# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""An open model: call it with an image and get detections."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Any
import weakref

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.api.samples import checked_image, Image, Input, Samples
from edge_trt_ros.errors import EdgeTrtError, EngineError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.opening import open_network
from edge_trt_ros.runtime.contract import Ticket
from edge_trt_ros.runtime.pipeline import collect_result
from edge_trt_ros.runtime.select import OpenedRuntime, Placement
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.pixel_encodings import to_bgr
from edge_trt_ros.vision.tasks import find_task, Result
from edge_trt_ros.vision.thresholds import Thresholds


def open_model(path: str | Path, *, backend: str = 'auto', thresholds: Thresholds = Thresholds(),
               device_id: int = 0, dla_core: int = -1) -> Model:
    """
    Open an engine, or an ONNX file, which is built in memory first.

    Use it in a `with` statement::

        with open_model('road.engine') as model:
            detections = model(cv2.imread('road.png'))

    :param path: an engine with its manifest, or a file `*.onnx`. Build an engine once with
        `build_engine` if the model is opened often: an ONNX file is built each time.
    :param backend: 'auto', or the library that must run it: 'onnxruntime', 'tensorrt',
        'tensorrt_rtx'.
    :param thresholds: what to keep; each call can override it.
    :param device_id: number of the GPU; no effect on a CPU.
    :param dla_core: DLA core for an engine that was built for DLA; -1 selects the first.
    :raises EdgeTrtError: if it cannot be opened; the message says why and what to do.
    """
    opened = open_network(Path(path).expanduser(), backend, Placement(device_id, dla_core))
    try:
        return Model(opened, thresholds)
    except Exception:
        opened.runtime.close()
        raise


class Model:
    """
    An open network and a context manager that closes it; `open_model` creates it.

    A result owns its arrays: it stays valid after further calls and after `close`. Several
    threads may use a model; their calls run one after the other.

    :param opened: an open runtime; the model closes it.
    :param thresholds: what to keep, unless a call states otherwise; may be replaced.
    """

    def __init__(self, opened: OpenedRuntime, thresholds: Thresholds) -> None:
        self.thresholds = thresholds
        #: Why this back end runs the engine.
        self.reason = opened.reason
        #: Milliseconds of each stage of the last result, such as 'network'.
        self.stage_times_ms: Mapping[str, float] = {}
        self._runtime = opened.runtime
        self._task = find_task(self.manifest.task)
        self._samples = Samples(self.manifest)
        self._free = list(range(self._runtime.slots))
        self._lock = RLock()
        # Also at exit, or when the model is garbage: a GPU must be released before Python ends.
        self._close = weakref.finalize(self, self._runtime.close)

    @property
    def manifest(self) -> EngineManifest:
        """The description of the engine: inputs, labels, build options, verification."""
        return self._runtime.manifest

    @property
    def labels(self) -> tuple[str, ...]:
        """The class names; the index is the class ID."""
        return self.manifest.labels

    @property
    def task(self) -> str:
        """What the network is for: 'detect', 'segment', 'pose', 'obb', 'classify', ..."""
        return self.manifest.task

    @property
    def device(self) -> str:
        """The device that runs the network, such as 'CPU, 2 thread(s)'."""
        return self._runtime.device_name

    def __call__(self, sample: Input, thresholds: Thresholds | None = None) -> Result:
        """
        Run the network on a sample and wait for the result.

        :param sample: an image, uint8 (H, W, 3) BGR as cv2.imread returns it; a `Frame` of
            another encoding; a str for a network that reads texts; or arrays by the names of
            the input tensors for a network with a tensor contract. Not modified.
        :param thresholds: what to keep; None uses the model's.
        :returns: the result of the task: `Detections` (tasks detect, pose and obb), `Instances`
            (segment), `Classification` (classify, text), `ClassMap` (semantic) or `RawTensors`
            (tensors); boxes and keypoints in pixels of the given image.
        :raises ImageError: for a sample of the wrong kind; for None, which cv2.imread returns
            for a file that it cannot read.
        :raises EngineError: if the model is closed, or the device fails.
        :raises NetworkOutputError: for outputs that are not finite.
        """
        with self._lock:
            return self._collect(self._submit(sample, thresholds))

    def detect(self, image: Image, thresholds: Thresholds | None = None) -> Detections:
        """
        Run the network on an image and return its boxes only (see `__call__`).

        :returns: the boxes of any task that has boxes; of a segmentation without its masks.
        :raises EngineError: if the results of the task have no boxes.
        """
        if not self._task.has_boxes:
            raise EngineError(f"the network's task is '{self.task}', which has no boxes: call "
                              'the model itself, model(image)')
        found = self._task.detections(self(image, thresholds))
        return Detections.empty() if found is None else found

    def stream(self, samples: Iterable[Input], thresholds: Thresholds | None = None
               ) -> Iterator[Result]:
        """
        Yield the result of each sample in order, with two samples in flight.

        While the device runs a sample, the next one is read and prepared: for a folder or a
        video file this is faster than a call for each. For a camera, call the model itself: here
        the result of a frame follows the arrival of the next one.

        :param samples: see `__call__`. Each must be a new array, which does not change until its
            result is returned.
        :param thresholds: what to keep; None uses the model's.
        :raises EdgeTrtError: as `__call__`, at the sample that fails.
        """
        waiting: deque[Ticket] = deque()
        try:
            for sample in samples:
                with self._lock:
                    waiting.append(self._submit(sample, thresholds))
                    # Between two steps a slot stays free for another call.
                    done = [] if self._free else [self._collect(waiting.popleft())]
                yield from done
            while waiting:
                with self._lock:
                    last = self._collect(waiting.popleft())
                yield last
        finally:
            with self._lock:
                for ticket in waiting:
                    self._drop(ticket)

    def batch(self, samples: Iterable[Input], thresholds: Thresholds | None = None
              ) -> list[Result]:
        """Return the results of several samples as a list (see `stream`)."""
        return list(self.stream(samples, thresholds))

    def reset_state(self) -> None:
        """
        Give the states of the network their initial values: a new sequence begins.

        :raises EngineError: if the network has no state, or the model is closed.
        """
        with self._lock:
            self._check_open()
            if not self.manifest.states:
                raise EngineError('the network has no state to reset', code='state_missing')
            self._runtime.reset_state()

    def draw(self, image: Image, result: Result) -> NDArray[np.uint8]:
        """
        Return a copy of an image with a result drawn into it.

        :param image: the image that the result belongs to; not modified.
        :param result: a result of this model.
        :returns: uint8 (H, W, 3) BGR, for cv2.imwrite.
        :raises ImageError: if the image is invalid.
        """
        frame = checked_image(image)
        drawn = np.array(to_bgr(frame.pixels, frame.encoding))
        self._task.draw(drawn, result, self.labels)
        return drawn

    def to_dict(self, result: Result) -> dict[str, Any]:
        """Return a result of this model as plain values with label names, for `json.dumps`."""
        return self._task.describe(result, self.labels)

    def close(self) -> None:
        """Release all resources; may be called twice."""
        with self._lock:
            self._close()

    def __enter__(self) -> Model:
        self._check_open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        state = self.device if self._close.alive else 'closed'
        return f'<Model {self.task}, {len(self.labels)} labels, {state}>'

    def _check_open(self) -> None:
        if not self._close.alive:
            raise EngineError('the model is closed: open it again with open_model',
                              code='model_closed')

    def _submit(self, given: Input, thresholds: Thresholds | None) -> Ticket:
        self._check_open()
        sample = self._samples.sample(given)
        slot = self._free.pop()
        try:
            return self._runtime.submit(sample, thresholds or self.thresholds, slot=slot)
        except BaseException:
            self._free.append(slot)
            raise

    def _collect(self, ticket: Ticket) -> Result:
        self._check_open()
        try:
            result, self.stage_times_ms = collect_result(self._runtime, ticket)
        finally:
            self._free.append(ticket.slot)
        return result

    def _drop(self, ticket: Ticket) -> None:
        if self._close.alive:
            with suppress(EdgeTrtError):
                self._runtime.collect(ticket)
        self._free.append(ticket.slot)
