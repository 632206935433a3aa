# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Several samples in flight, several threads, and closing."""

from __future__ import annotations

from collections.abc import Iterator
import gc
from pathlib import Path
import subprocess
import sys
from threading import Thread

import numpy as np
import pytest
from support.frames import noise_frame
from support.results import arrays_of, assert_equal

from edge_trt_ros import Detections, Model, open_model, Thresholds
from edge_trt_ros.errors import EngineError, ImageError

IMAGE = noise_frame().pixels


def test_batches_and_streams_keep_the_order(model: Model) -> None:
    images = [noise_frame(seed=seed).pixels for seed in range(7)]
    expected = [model(image) for image in images]
    for found in (model.batch(images), list(model.stream(iter(images)))):
        for left, right in zip(found, expected, strict=True):
            assert_equal(left, right)
    assert model.batch([]) == [] and len(model.batch(images[:1])) == 1


def test_a_stream_reads_the_next_image_before_the_last_result(model: Model) -> None:
    events: list[str] = []

    def images() -> Iterator[np.ndarray]:
        for index in range(3):
            events.append(f'read {index}')
            yield noise_frame(seed=index).pixels
    for index, _ in enumerate(model.stream(images())):
        events.append(f'result {index}')
    assert events == ['read 0', 'read 1', 'result 0', 'read 2', 'result 1', 'result 2']


def test_calls_inside_streams_and_unfinished_streams(model: Model) -> None:
    images = [noise_frame(seed=seed).pixels for seed in range(4)]
    expected = [model(image) for image in images]
    for outer, inner in zip(model.stream(images), model.stream(reversed(images))):
        assert_equal(model(images[2]), expected[2])
        assert isinstance(outer, Detections) and isinstance(inner, Detections)
    stream = model.stream(images)
    next(stream)
    del stream
    gc.collect()
    assert len(model._free) == model._runtime.slots
    for left, right in zip(model.batch(images), expected, strict=True):
        assert_equal(left, right)


def test_a_bad_image_ends_a_stream_and_frees_its_slots(model: Model) -> None:
    stream = model.stream([IMAGE, IMAGE, IMAGE[:0], IMAGE])
    assert isinstance(next(stream), Detections)
    with pytest.raises(ImageError):
        next(stream)
    assert len(model._free) == model._runtime.slots


def test_threads_take_turns(model: Model) -> None:
    expected, found = model(IMAGE), []

    def work() -> None:
        found.extend([*model.batch([IMAGE] * 5), model(IMAGE)])
    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 24
    for result in found:
        assert_equal(result, expected)


def test_closing(engine: Path) -> None:
    model = open_model(engine, thresholds=Thresholds(confidence=0.1))
    result, stream = model(IMAGE), model.stream([IMAGE] * 5)
    next(stream)
    before = [array.copy() for array in arrays_of(result)]
    model.close()
    model.close()
    for call in (lambda: model(IMAGE), lambda: model.batch([IMAGE]), lambda: next(stream),
                 lambda: model.__enter__()):
        with pytest.raises(EngineError, match='the model is closed: open it again') as caught:
            call()
        assert caught.value.code == 'model_closed'
    assert repr(model) == '<Model detect, 3 labels, closed>'
    for array, saved in zip(arrays_of(result), before):
        np.testing.assert_array_equal(array, saved)
    assert model.draw(IMAGE, result).any() and model.to_dict(result)['detections']


def test_a_script_that_forgets_to_close_ends(engine: Path) -> None:
    done = subprocess.run(
        [sys.executable, '-c', 'import sys, numpy\nfrom edge_trt_ros import open_model\n'
         'model = open_model(sys.argv[1])\nprint(model(numpy.zeros((90, 160, 3), "uint8")))',
         str(engine)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and 'Detections(' in done.stdout and not done.stderr
