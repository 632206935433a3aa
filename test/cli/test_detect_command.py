# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The command `detect` with a network of each task."""

from __future__ import annotations

import json
from pathlib import Path
import subprocess
import sys
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from support.frames import noise_frame
from support.models import dense_model, save
from support.task_models import convolution_model, segment_model


def detect(*arguments: str, status: int = 0) -> Any:
    """Run the command; return its last JSON line, or stderr if an error is expected."""
    done = subprocess.run([sys.executable, '-m', 'edge_trt_ros', 'detect', *arguments],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout.splitlines()[-1]) if not status else done.stderr


@pytest.mark.parametrize('model, keys', [
    (dense_model(), {'detections'}),
    (segment_model(), {'detections'}),
    (convolution_model((1, 10), {'task': 'classify'}), {'classes'}),
    (convolution_model((1, 4, 16, 16), {'task': 'semantic'}), {'class_px'}),
    (convolution_model((1, 10), {'task': 'tensors'}), {'tensors'})])
def test_results_and_drawing_of_each_task(
        model: onnx.ModelProto, keys: set[str], tmp_path: Path) -> None:
    path, image = save(model, tmp_path / 'm.onnx'), tmp_path / 'image.png'
    cv2.imwrite(str(image), noise_frame().pixels)
    found = detect(str(path), str(image), '--output', str(tmp_path / 'drawn'),
                   '--confidence', '0.01')
    assert set(found) == {'image', 'size_wh', 'stage_times_ms'} | keys
    drawn = cv2.imread(str(tmp_path / 'drawn' / 'image.png'))
    assert drawn is not None and drawn.shape == (90, 160, 3)
    if 'class_px' in keys:
        assert sum(found['class_px'].values()) == 160 * 90
    if 'tensors' in keys:
        values, = found['tensors'].values()
        assert values['shape'] == [1, 10] and values['min'] < values['mean'] < values['max']
    if 'classes' in keys:
        scores = [entry['score'] for entry in found['classes']]
        assert len(scores) == 5 and scores == sorted(scores, reverse=True)
    message = detect(str(path), '--text', 'go', status=1)
    assert 'which reads an image' in message and "this is the text 'go'" in message


def test_texts_are_classified(tmp_path: Path) -> None:
    pytest.importorskip('tokenizers', reason='texts are read by the package tokenizers')
    from support.text_models import expected_scores, LABELS, save_text_model
    save_text_model(tmp_path, 12)
    found = detect(str(tmp_path / 'm.onnx'), '--text', 'stop', 'go now')
    assert found['text'] == 'go now'
    expected = expected_scores([2, 5, 8, 3])
    assert found['classes'][0]['label'] == LABELS[int(np.argmax(expected))]
    assert found['classes'][0]['score'] == pytest.approx(expected.max(), abs=1e-4)
    assert 'give images, or --text' in detect(str(tmp_path / 'm.onnx'), status=2)
