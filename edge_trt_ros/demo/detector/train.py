# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Train the demo's detector on the synthetic road and export it; requires PyTorch.

    python -m edge_trt_ros.demo.detector.train --output DIR --minutes 25 --seed 0

Renders its own images, trains on the CPU and writes `road_users.onnx` with the metadata of an
Ultralytics export. The same seed on the same machine produces the same model, unless the time
limit is reached: then the rest of the schedule is shortened.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import copy
import ctypes
import io
import json
import math
import os
from pathlib import Path
import sys
import time
from typing import Any

import numpy as np
import torch

from edge_trt_ros import __version__
from edge_trt_ros.demo.detector.loss import detection_loss, Targets
from edge_trt_ros.demo.detector.network import ExportedNet, RoadUserNet, STRIDES
from edge_trt_ros.demo.detector.samples import (augmented, NETWORK_SIZE_WH, PAD_VALUE,
                                                render_samples, Sample, scene_frames,
                                                SOURCE_SIZE_WH, TEST_SEED, TRAINING_SEED)
from edge_trt_ros.demo.road.scene import CLASS_NAMES
from edge_trt_ros.export.export import export_network
from edge_trt_ros.export.options import ExportOptions
from edge_trt_ros.files import write_file
from edge_trt_ros.network_input import ImageInput
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.tensor_spec import TensorSpec

_BATCH_SIZE = 8
_PEAK_RATE = 2e-3
_WARM_UP_STEPS = 150
_OPSET = 18
_COMPARED_FRAMES = 4
# Larger than in training: better for small objects and no worse for others (Touvron et al.,
# "Fixing the train-test resolution discrepancy", 2019).
EXPORTED_SIZE_WH = (448, 256)
_REPLAN_STEPS = 25
# From malloc.h, for glibc.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, export, and print the path of the model."""
    parser = argparse.ArgumentParser(prog='train', description='Train the detector of the demo.')
    parser.add_argument('--output', type=Path, required=True, help='folder for the model')
    parser.add_argument('--minutes', type=float, default=29.0, help='limit, with rendering')
    parser.add_argument('--seed', type=int, default=0, help='of images, weights and order')
    parser.add_argument('--steps', type=int, default=5000, help='maximum number of batches')
    parser.add_argument('--pictures', type=int, default=3600, help='number of images to render')
    parser.add_argument('--threads', type=int, default=min(os.cpu_count() or 1, 2))
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    _keep_freed_memory()
    torch.manual_seed(options.seed)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(options.threads)
    print(f'rendering {options.pictures} images', flush=True)
    first_seed = TRAINING_SEED + options.seed % 400 * 1_000_000
    samples = render_samples(first_seed, options.pictures, options.threads)
    print(f'rendered in {time.monotonic() - started:.0f} s', flush=True)
    net = RoadUserNet(len(CLASS_NAMES), NETWORK_SIZE_WH)
    # The export takes up to half a minute.
    deadline = started + 60 * options.minutes - 30
    averaged = train(net, samples, options.seed, options.steps, deadline,
                     options.output / 'checkpoint.pt')
    minutes = (time.monotonic() - started) / 60
    report = export_detector(averaged, options.output / 'road_users.onnx', json.dumps(
        {'seed': options.seed, 'steps': options.steps, 'pictures': len(samples),
         'minutes': round(minutes, 1)}))
    print(f"{report['onnx']}: {report['size_bytes'] / 1e6:.2f} MB after {minutes:.1f} minutes; "
          f"within {report['parity']['max_error']:.1e} of {report['framework']}")
    return 0


def train(net: RoadUserNet, samples: Sequence[Sample], seed: int, steps: int,
          deadline_s: float = math.inf, checkpoint: Path | None = None,
          batch_size: int = _BATCH_SIZE) -> RoadUserNet:
    """
    Train a network in place and return the moving average of its weights.

    :param net: the network; its weights change.
    :param samples: the images, at least one batch.
    :param seed: of order and augmentation.
    :param steps: maximum number of batches.
    :param deadline_s: deadline on the clock of `time.monotonic`; reduces the steps if needed.
    :param checkpoint: file for the average so far, rewritten regularly.
    :param batch_size: images in each step.
    """
    rng = np.random.default_rng([seed, 11])
    net = net.to(memory_format=torch.channels_last).train()
    averaged: RoadUserNet = copy.deepcopy(net)
    decayed = [p for p in net.parameters() if p.ndim > 1]
    plain = [p for p in net.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW([{'params': decayed, 'weight_decay': 0.02},
                                   {'params': plain, 'weight_decay': 0.0}], lr=_PEAK_RATE)
    order: list[int] = []
    began, recent, progress = time.monotonic(), 0.0, 0.0
    per_step, warm_up = 1 / steps, min(_WARM_UP_STEPS, steps // 8 + 1)
    for step in range(steps):
        if len(order) < batch_size:
            order = rng.permutation(len(samples)).tolist()
        batch = [augmented(samples[order.pop()], rng) for _ in range(batch_size)]
        rate = min(1.0, (step + 1) / warm_up) * (
            0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
        for group in optimizer.param_groups:
            group['lr'] = _PEAK_RATE * rate
        loss = detection_loss(net, net(images_tensor(batch)), targets_tensor(batch))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 10.0)
        optimizer.step()
        _average(averaged, net, min(0.998, 1 - 1 / (1 + step / 4)))
        recent += (loss.item() - recent) * max(0.02, 1 / (step + 1))
        progress += per_step
        if (step + 1) % _REPLAN_STEPS == 0:
            now = time.monotonic()
            affordable = (deadline_s - now) / ((now - began) / (step + 1))
            per_step = max((1 - progress) / max(min(steps - step - 1, affordable), 1), 0.0)
            if (step + 1) % (4 * _REPLAN_STEPS) == 0:
                print(f'step {step + 1}/{steps} ({100 * progress:.0f} %) loss {recent:.3f} '
                      f'rate {_PEAK_RATE * rate:.5f} {now - began:.0f} s', flush=True)
                if checkpoint is not None:
                    state = io.BytesIO()
                    torch.save(averaged.state_dict(), state)
                    write_file(checkpoint, state.getvalue())
        if progress >= 1 - per_step / 2:
            break
    averaged.eval()
    return averaged


def _average(averaged: RoadUserNet, net: RoadUserNet, keep: float) -> None:
    with torch.no_grad():
        for old, new in zip(averaged.state_dict().values(), net.state_dict().values()):
            if old.dtype.is_floating_point:
                old.lerp_(new, 1 - keep)
            else:
                old.copy_(new)


def _keep_freed_memory() -> None:
    """Keep malloc from returning memory to the kernel: each step needs the same gigabyte again."""
    try:
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, 32 << 20)
        libc.mallopt(_M_TRIM_THRESHOLD, 2047 << 20)
    except (OSError, AttributeError):
        pass  # without mallopt (musl, macOS) training is only slower


def images_tensor(batch: Sequence[Sample]) -> torch.Tensor:
    """Return float32 (batch, 3, height, width), rgb 0..1, of samples."""
    pixels = np.stack([sample.image for sample in batch])[..., ::-1]
    tensor = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2)
    return tensor.float().div_(255).contiguous(memory_format=torch.channels_last)


def targets_tensor(batch: Sequence[Sample]) -> Targets:
    """Return the true boxes of samples, padded to equal length."""
    longest = max(1, *(len(sample.class_ids) for sample in batch))
    shape = (len(batch), longest)
    boxes, class_ids = torch.zeros(*shape, 4), torch.zeros(*shape, dtype=torch.int64)
    taught, ignored = (torch.zeros(*shape, dtype=torch.bool) for _ in range(2))
    for row, sample in enumerate(batch):
        size = len(sample.class_ids)
        boxes[row, :size] = torch.from_numpy(sample.boxes_xyxy)
        class_ids[row, :size] = torch.from_numpy(sample.class_ids)
        taught[row, :size] = torch.from_numpy(sample.taught)
        ignored[row, :size] = torch.from_numpy(~sample.taught)
    return Targets(boxes, class_ids, taught, ignored)


def export_detector(net: RoadUserNet, path: Path, training: str = '') -> dict[str, Any]:
    """
    Export a trained network, compared with PyTorch on frames that training has not seen.

    :param net: the network, in evaluation mode.
    :param path: the ONNX file, in the layout of Ultralytics models.
    :param training: how it was trained, for the metadata; '' leaves it out.
    :returns: the report of `edge_trt_ros.export.export.export_onnx`.
    :raises ModelError: if the ONNX differs from the network.
    """
    width, height = EXPORTED_SIZE_WH
    enlarged = RoadUserNet(net.classes, EXPORTED_SIZE_WH)
    enlarged.load_state_dict(net.state_dict())
    options = ExportOptions(
        (TensorSpec('images', 'float32', (1, 3, height, width)),), opset=_OPSET, task='detect',
        labels=CLASS_NAMES, image_input=ImageInput(EXPORTED_SIZE_WH, pad_value=PAD_VALUE),
        metadata={
            'description': 'Road users of the synthetic road of edge_trt_ros',
            'author': 'edge_trt_ros', 'license': 'Apache-2.0', 'version': __version__,
            'stride': str(max(STRIDES)), 'batch': '1',
            **({'training': training} if training else {})})
    frames = [Frame(shot.image, 'bgr8', SOURCE_SIZE_WH, source='synthetic road')
              for shot in scene_frames(TEST_SEED, _COMPARED_FRAMES, 1)]
    return export_network(ExportedNet(enlarged).eval(), path, options, frames=frames)


if __name__ == '__main__':
    sys.exit(main())
