# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The samples that an engine is compared on: images of the user, of this package, and noise.

Each kind adds to the others. A network that reads texts gets words of its vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.precision.calibration import calibration_set, CalibrationSet
from edge_trt_ros.errors import ConfigurationError, ImageError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.runtime.samples import Frame, Sample, Tensors
from edge_trt_ros.runtime.text_preprocess import TextTokens
from edge_trt_ros.sources.bags import is_bag
from edge_trt_ros.sources.image_files import frame_from_file, images_in, SUFFIXES
from edge_trt_ros.sources.sample_images import noise_images, road_images
from edge_trt_ros.tensor_contract import TensorContract

_GIVEN_IMAGES, _CALIBRATION_IMAGES = 32, 8
GIVEN, CALIBRATION, ROAD, NOISE, WORDS = 'given', 'calibration', 'road', 'noise', 'words'
RANDOM = 'random'
# Enough for a state to move.
_RANDOM_SAMPLES = 8


@dataclass(frozen=True)
class NamedSample:
    """
    A sample to compare on.

    :param sample: the sample.
    :param origin: where it comes from: 'given', 'calibration', 'road', 'noise', 'words' or
        'random'.
    """

    sample: Sample
    origin: str

    @property
    def shows_content(self) -> bool:
        """Whether something can be seen in it; false for noise."""
        return self.origin != NOISE

    @property
    def name(self) -> str:
        """Name of the sample, for messages."""
        return f'{self.origin} {Path(self.sample.source).name}'


def samples_for(manifest: EngineManifest, given: list[NamedSample]) -> list[NamedSample]:
    """
    Return all samples for an engine.

    :param manifest: manifest of the engine.
    :param given: samples of the user; see `given_samples`.
    """
    if manifest.contract is not None:
        return _random_samples(manifest.contract)
    if manifest.text_input is not None:
        return [NamedSample(words, WORDS) for words in TextTokens(manifest.text_input).samples()]
    width, height = manifest.image_input.size_wh
    # Noise first: what a network sees in it does not count as seen in the other images.
    return [*(NamedSample(frame, NOISE) for frame in noise_images((width, height))), *given,
            *(NamedSample(frame, ROAD) for frame in road_images())]


def _random_samples(contract: TensorContract) -> list[NamedSample]:
    """Return tensors of the ranges of a contract, beside the images of this package."""
    generator = np.random.default_rng(0)
    images = cycle(road_images())
    return [NamedSample(Tensors({
        tensor.spec.name: next(images) if tensor.image else tensor.random(generator)
        for tensor in contract.received}, source=f'sample {number}'), RANDOM)
        for number in range(_RANDOM_SAMPLES)]


def given_samples(options: BuildOptions) -> list[NamedSample]:
    """
    Return the images that the user gave for verification and for calibration.

    :raises ConfigurationError: if the folder is missing or shows nothing that can be read.
    """
    frames = [NamedSample(frame, GIVEN) for frame in _verification_frames(options.verification)]
    images = calibration_set(options, _CALIBRATION_IMAGES)
    return frames + [NamedSample(frame, CALIBRATION) for frame in (
        images.frames() if images else ())]


def frames_of(paths: list[Path]) -> list[Frame]:
    """
    Return the images of files that can be decoded.

    :raises ConfigurationError: if none can.
    """
    frames, problems = [], []
    for path in paths:
        try:
            frames.append(frame_from_file(path))
        except ImageError as error:
            problems.append(str(error))
    if problems and not frames:
        raise ConfigurationError(
            f'none of the {len(paths)} images for the verification can be read ({problems[0]}): '
            'give images that OpenCV can decode', code='verification_images_broken')
    return frames


def _verification_frames(text: str) -> list[Frame]:
    if not text:
        return []
    path = Path(text).expanduser()
    if not path.exists():
        raise ConfigurationError(f'there is no verification folder {path}: give a folder of '
                                 'images, or a bag', code='verification_missing')
    if is_bag(path):
        return list(CalibrationSet(path, limit=_GIVEN_IMAGES).frames())
    try:
        files = images_in(path)
    except OSError as error:
        raise ConfigurationError(f'the verification folder {path} cannot be read: '
                                 f'{error.strerror}', code='verification_missing') from error
    if not files:
        raise ConfigurationError(f'the verification folder {path} holds no images '
                                 f"({', '.join(SUFFIXES)}) and is no bag",
                                 code='verification_empty')
    step = max(1, -(-len(files) // _GIVEN_IMAGES))
    return frames_of(files[::step])
