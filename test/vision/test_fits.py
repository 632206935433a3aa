# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""How images fit into a network's input: as its family's trainers placed them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from support.building import build_in_memory
from support.detector_networks import NETWORKS
from support.models import save
from support.task_models import convolution_model

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.plan import draft_plan
from edge_trt_ros.errors import ManifestError
from edge_trt_ros.network_input import ImageInput, input_from_dict, input_to_dict
from edge_trt_ros.verification import warning
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.resampling import resampled


def picture(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)


def test_a_squash_fills_the_input() -> None:
    fit = Letterbox.fit((150, 91), (96, 64), 'squash')
    image = picture(150, 91)
    np.testing.assert_array_equal(fit.apply(image), cv2.resize(image, (96, 64)))
    boxes = np.array([[48, 32, 96, 64]], np.float32)
    np.testing.assert_allclose(fit.boxes_to_source(boxes), [[75, 45.5, 150, 91]], rtol=1e-6)


def test_top_left_pads_on_the_right_and_at_the_bottom() -> None:
    fit = Letterbox.fit((100, 200), (64, 64), 'top_left')
    filled = fit.apply(picture(100, 200))
    assert (fit.pad_left, fit.pad_top, fit.resized_size_wh) == (0, 0, (32, 64))
    assert (filled[:, 32:] == 114).all() and not (filled[:, :32] == 114).all()


@pytest.mark.parametrize('source, fraction, resized', [
    ((640, 480), 1.0, (298, 224)), ((480, 640), 1.0, (224, 298)), ((100, 100), 1.0, (224, 224)),
    ((640, 480), 0.875, (341, 256)), ((224, 224), 0.875, (256, 256))])
def test_a_crop_is_the_centre_of_the_resized_image(
        source: tuple[int, int], fraction: float, resized: tuple[int, int]) -> None:
    fit = Letterbox.fit(source, (224, 224), 'crop', fraction)
    assert fit.resized_size_wh == resized
    whole = cv2.resize(picture(*source), resized)
    top, left = (round((length - 224) / 2) for length in (resized[1], resized[0]))
    np.testing.assert_array_equal(fit.apply(picture(*source)),
                                  whole[top:top + 224, left:left + 224])
    centre = np.array([[112, 112, 112, 112]], np.float32)
    np.testing.assert_allclose(fit.boxes_to_source(centre)[0, :2], np.array(source) / 2, atol=1.5)


@pytest.mark.parametrize('source, target', [
    ((960, 540), (224, 224)), ((100, 60), (224, 130)), ((224, 224), (224, 224)),
    ((61, 8), (9, 7))])
@pytest.mark.parametrize('cubic', [False, True])
def test_resampling_equals_pillow(source: tuple[int, int], target: tuple[int, int],
                                  cubic: bool) -> None:
    pillow = pytest.importorskip('PIL.Image', reason='compares with Pillow')
    image = picture(*source)
    expected = np.asarray(pillow.fromarray(image).resize(
        target, pillow.BICUBIC if cubic else pillow.BILINEAR))
    np.testing.assert_array_equal(resampled(image, target, (0, 0), target, cubic), expected)
    np.testing.assert_array_equal(resampled(image, target, (3, 2), (4, 5), cubic),
                                  expected[2:7, 3:7])


def test_resampling_averages_what_a_pixel_covers() -> None:
    stripes = np.zeros((40, 40), np.uint8)
    stripes[:, ::2] = 200
    for fit in ('letterbox', 'top_left', 'crop', 'squash'):
        filled = Letterbox.fit((40, 40), (4, 4), fit, 1.0, 'pillow').apply(stripes)
        assert np.abs(filled.astype(int) - 100).max() <= 10
    padded = Letterbox.fit((40, 20), (8, 8), 'letterbox', 1.0, 'pillow').apply(stripes[:20])
    assert (padded[:2] == 114).all() and (padded[6:] == 114).all()


def test_a_fit_is_part_of_the_contract() -> None:
    kept = ImageInput((64, 64), fit='crop', crop_fraction=0.875)
    assert input_from_dict(input_to_dict(kept)) == kept and '87.5 %' in str(kept)
    with pytest.raises(ManifestError, match="'stretch'.*expected letterbox, top_left"):
        ImageInput((64, 64), fit='stretch')
    with pytest.raises(ManifestError, match='crop_fraction 0'):
        ImageInput((64, 64), fit='crop', crop_fraction=0)
    with pytest.raises(ManifestError, match='resize .cubic.: expected.*pillow'):
        ImageInput((64, 64), resize='cubic')


@pytest.mark.parametrize('name, fit', [
    ('yolox', 'top_left'), ('yolox_decoded', 'top_left'), ('ultralytics_detr', 'squash'),
    ('final_detr', 'squash'), ('sized_detr', 'squash'), ('detr_softmax', 'letterbox'),
    ('seven', 'letterbox')])
def test_each_family_has_the_fit_of_its_trainers(name: str, fit: str, tmp_path: Path) -> None:
    path = save(NETWORKS[name]((96, 64), 3, 1), tmp_path / 'm.onnx')
    built = build_in_memory(path, BuildOptions(backend='onnxruntime'))
    assert built.manifest.image_input.fit == fit


def test_classifiers_crop_unless_the_contract_states_another_fit(tmp_path: Path) -> None:
    path = save(convolution_model((1, 4), {'task': 'classify'}), tmp_path / 'm.onnx')
    options = BuildOptions(backend='onnxruntime')
    assert build_in_memory(path, options).manifest.image_input.fit == 'crop'
    stated = BuildOptions(backend='onnxruntime', input_contract='{"fit": "squash"}')
    assert build_in_memory(path, stated).manifest.image_input.fit == 'squash'
    other = BuildOptions(backend='onnxruntime', input_contract='{"mean": [1, 2, 3]}')
    assert build_in_memory(path, other).manifest.image_input.fit == 'crop'


@pytest.mark.parametrize('metadata, contract, is_said', [
    ({}, '', True), ({'author': 'Ultralytics'}, '', False), ({}, '{"scale": 1.0}', False),
    ({'edge_trt_ros.input_contract': '{"fit": "squash"}'}, '', False)])
def test_a_plain_classifier_says_what_is_assumed(metadata: dict[str, str], contract: str,
                                                 is_said: bool, tmp_path: Path) -> None:
    path = save(convolution_model((1, 4), {'task': 'classify', **metadata}), tmp_path / 'm.onnx')
    options = BuildOptions(backend='onnxruntime', input_contract=contract)
    said = [fact for fact in draft_plan(path, options).facts if 'nothing states mean' in fact]
    assert bool(said) == is_said
    warned = warning(build_in_memory(path, options).manifest.verification)
    assert warned == ''.join(said)
    assert not is_said or '"mean": [0.485, 0.456, 0.406]' in warned
