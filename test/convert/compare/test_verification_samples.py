# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The images that engines are compared on, and what happens if they cannot be read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.building import build_in_memory
from support.image_folder import image_folder
from support.models import dense_model, save

from edge_trt_ros.benchmark.sample_images import views
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import BuildError, ConfigurationError, ModelError
from edge_trt_ros.sources.sample_images import noise_images, road_images, SAMPLE_IMAGES

CPU = BuildOptions(backend='onnxruntime')


def test_the_shipped_images_are_those_that_the_command_draws() -> None:
    drawn = views()
    assert {path.stem for path in SAMPLE_IMAGES.iterdir()} == set(drawn)
    assert sum(path.stat().st_size for path in SAMPLE_IMAGES.iterdir()) < 300_000
    for frame in road_images():
        image = drawn[Path(frame.source).stem].astype(int)
        assert frame.size_wh == image.shape[1::-1]
        # JPEG rounds; a different scene would differ by tens of grey levels.
        assert np.abs(frame.pixels - image).mean() < 8


def test_noise_has_the_size_of_the_network() -> None:
    gray, noise = noise_images((70, 50))
    assert gray.size_wh == noise.size_wh == (70, 50)
    assert np.ptp(gray.pixels) == 0 and np.ptp(noise.pixels) == 255


def test_all_images_add_up(tmp_path: Path) -> None:
    path = save(dense_model(), tmp_path / 'm.onnx')
    given = image_folder(tmp_path / 'given', 3)
    (given / 'broken.png').write_bytes(b'broken')  # one that cannot be read is left out
    options = replace(CPU, verification=str(given),
                      calibration=str(image_folder(tmp_path / 'calibration', 2)))
    assert build_in_memory(path, options).manifest.verification['samples'] == {
        'given': 3, 'calibration': 2, 'road': 5, 'noise': 2}


@pytest.mark.parametrize('content, match, code', [
    (None, 'there is no verification folder', 'verification_missing'),
    ({}, 'holds no images', 'verification_empty'),
    ({'a.txt': b'text'}, 'holds no images', 'verification_empty'),
    ({'a.png': b'broken', 'b.jpg': b''}, 'none of the 2 images', 'verification_images_broken'),
])
def test_images_that_cannot_be_read_are_refused(
        tmp_path: Path, content: dict[str, bytes] | None, match: str, code: str) -> None:
    folder = tmp_path / 'given'
    if content is not None:
        folder.mkdir()
        for name, data in content.items():
            (folder / name).write_bytes(data)
    with pytest.raises(ConfigurationError, match=match) as caught:
        build_in_memory(save(dense_model(), tmp_path / 'm.onnx'),
                        replace(CPU, verification=str(folder)))
    assert caught.value.code == code


@pytest.mark.parametrize('change', ['removed', 'cut short', 'a folder'])
@pytest.mark.parametrize('changed, left', [(('b.png',), 1), (('a.png', 'b.png'), 0)])
def test_images_may_change_while_they_are_used(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, changed: tuple[str, ...],
        left: int) -> None:
    """Between listing and reading; if none is left, this is said."""
    folder = tmp_path / 'given'
    folder.mkdir()
    for name in ('a.png', 'b.png'):
        cv2.imwrite(str(folder / name), np.zeros((20, 30, 3), np.uint8))
    path = save(dense_model(), tmp_path / 'm.onnx')
    from edge_trt_ros.convert.compare import samples

    listed = samples.images_in

    def list_and_change(given: Path) -> list[Path]:
        found = listed(given)
        for name in changed:
            data = (folder / name).read_bytes()
            (folder / name).unlink()
            if change == 'cut short':
                (folder / name).write_bytes(data[:30])
            elif change == 'a folder':
                (folder / name).mkdir()
        return found
    monkeypatch.setattr(samples, 'images_in', list_and_change)
    options = replace(CPU, verification=str(folder))
    if left:
        verification = build_in_memory(path, options).manifest.verification
        assert verification['samples']['given'] == left
        return
    with pytest.raises(ConfigurationError, match='none of the 2 images') as caught:
        build_in_memory(path, options)
    assert caught.value.code == 'verification_images_broken'


def test_an_onnx_that_fails_on_an_image_is_no_reference(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edge_trt_ros.convert.compare import reference

    def failing(*arguments: object) -> object:
        raise ModelError('ONNX Runtime cannot run the network: no memory')
    monkeypatch.setattr(reference, 'run_session', failing)
    with pytest.raises(BuildError, match='nothing was compared.*no memory.*not installed'
                       ) as caught:
        build_in_memory(save(dense_model(), tmp_path / 'm.onnx'), CPU)
    assert caught.value.code == 'reference_unavailable'
