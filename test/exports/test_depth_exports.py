# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Depth networks of Ultralytics and transformers: the depths are those of their own predictors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
import pytest
from support.building import build_in_memory

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.runtime.pipeline import infer
from edge_trt_ros.runtime.preprocess import host_preprocess
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.runtime.select import open_engine
from edge_trt_ros.sources.sample_images import road_images
from edge_trt_ros.vision.tasks.depth import DepthMap
from edge_trt_ros.vision.thresholds import Thresholds

torch = pytest.importorskip('torch', reason='exports of depth networks need PyTorch')

SIZE = 224


def pictures() -> list[NDArray[np.uint8]]:
    """Return the road images, bgr8."""
    return [np.ascontiguousarray(frame.pixels[..., :3]) for frame in road_images()]


def differences(path: Path, options: BuildOptions, expected: Any) -> tuple[float, float]:
    """
    Return the 99th percentile of the relative errors, and the median in the image's resolution.

    :param expected: returns the exporter's depths of a picture in both resolutions, given the
        picture and our input tensor, which it compares with its own.
    """
    built = build_in_memory(path, options)
    errors, enlarged = [], []
    preprocess = host_preprocess(built.manifest.input_kinds)
    (spec,) = built.manifest.inputs
    tensors = {spec.name: np.zeros(spec.shape, spec.dtype)}
    with open_engine(built.engine, built.manifest).runtime as runtime:
        for picture in pictures():
            frame = Frame.from_array(picture)
            own, _ = infer(runtime, frame, Thresholds())
            preprocess.fill(frame, preprocess.fit(frame), tensors)
            assert isinstance(own, DepthMap)
            small, large = expected(picture, tensors[spec.name])
            # Relative depths reach 0, where a relative error says nothing.
            scale = np.abs(small) if own.is_metric else np.abs(small).mean()
            errors.append(float(np.percentile(np.abs(own.values - small) / scale, 99)))
            enlarged.append(float(np.median(np.abs(own.in_source_resolution() - large))
                                  / np.abs(large).mean()))
    print(json.dumps({'network': path.name, 'largest': max(errors), 'enlarged': max(enlarged),
                      'range': float(np.ptp(small) / np.abs(small).mean())}))
    return max(errors), max(enlarged)


@pytest.mark.parametrize('half, dynamic', [(False, False), (True, False), (False, True)])
def test_ultralytics(half: bool, dynamic: bool, tmp_path: Path,
                     monkeypatch: pytest.MonkeyPatch) -> None:
    ultralytics = pytest.importorskip('ultralytics', reason='Ultralytics is not installed')
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    model = ultralytics.YOLO('yolo26n-depth.yaml')
    model.model.eval()
    layers = [layer for layer in model.model.modules()
              if isinstance(layer, torch.nn.BatchNorm2d)]
    for layer in layers:
        layer.momentum = None
        layer.reset_running_stats()
        layer.train()
    batch = torch.stack([torch.from_numpy(cv2.resize(picture, (SIZE, SIZE)).transpose(2, 0, 1)
                                          / 255) for picture in pictures()]).float()
    with torch.no_grad():
        model.model(batch)
        model.model.model[-1].head[-1].weight *= 0.2  # depths from decimetres to 20 m
    model.model.eval()
    path = Path(model.export(format='onnx', imgsz=SIZE, simplify=False, half=half,
                             dynamic=dynamic))

    def expected(picture: NDArray[np.uint8], own: NDArray[Any]) -> tuple[Any, Any]:
        from ultralytics.data.augment import LetterBox
        image = LetterBox((SIZE, SIZE), auto=False, scale_fill=True)(image=picture)
        tensor = torch.from_numpy(image[..., ::-1].transpose(2, 0, 1).copy())[None].float() / 255
        assert np.abs(own.astype(np.float32) - tensor.numpy()).max() <= 1e-3
        with torch.no_grad():
            small = torch.nn.functional.interpolate(
                model.model(tensor), size=(SIZE, SIZE), mode='bilinear', align_corners=True)
        large = model.predict(picture, imgsz=SIZE, verbose=False)[0].depth.data
        return small[0, 0].numpy(), np.asarray(large.cpu()).reshape(picture.shape[:2])
    shape = (1, 3, SIZE, SIZE) if dynamic else ()
    options = BuildOptions(backend='onnxruntime', input_shape=shape)
    largest, enlarged = differences(path, options, expected)
    # Its half precision rounds before an exponential. It enlarges from corner to corner.
    assert largest <= (0.1 if half else 1e-3) and enlarged <= 0.03


@pytest.mark.parametrize('name', ['dpt', 'depth_anything'])
def test_transformers(name: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip('transformers', reason='transformers is not installed')
    torch.manual_seed(0)
    size = 96 if name == 'dpt' else 112
    if name == 'dpt':
        mean, std = [0.5] * 3, [0.5] * 3
        model = transformers.DPTForDepthEstimation(transformers.DPTConfig(
            hidden_size=32, num_hidden_layers=4, num_attention_heads=2, intermediate_size=64,
            image_size=96, patch_size=16, backbone_out_indices=[0, 1, 2, 3], is_hybrid=False,
            neck_hidden_sizes=[16, 16, 16, 16], fusion_hidden_size=16)).eval()
    else:
        mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
        model = transformers.DepthAnythingForDepthEstimation(transformers.DepthAnythingConfig(
            backbone_config=transformers.Dinov2Config(
                hidden_size=32, num_hidden_layers=4, num_attention_heads=2, image_size=112,
                patch_size=14, out_features=['stage1', 'stage2', 'stage3', 'stage4'],
                apply_layernorm=True, reshape_hidden_states=False),
            reassemble_hidden_size=32, patch_size=14, neck_hidden_sizes=[16, 16, 16, 16],
            fusion_hidden_size=16, head_hidden_size=8)).eval()
    processor = transformers.DPTImageProcessor(
        size={'height': size, 'width': size}, image_mean=mean, image_std=std)
    path = tmp_path / 'm.onnx'

    class Depth(torch.nn.Module):  # type: ignore[misc]
        def forward(self, pixel_values: Any) -> Any:
            return model(pixel_values=pixel_values).predicted_depth
    torch.onnx.export(Depth().eval(), (torch.zeros(1, 3, size, size),), str(path),
                      input_names=['pixel_values'], output_names=['predicted_depth'],
                      dynamo=True, opset_version=18)

    def expected(picture: NDArray[np.uint8], own: NDArray[Any]) -> tuple[Any, Any]:
        theirs = processor(picture[..., ::-1].copy(), return_tensors='pt')['pixel_values'].numpy()
        # torchvision rounds a few of a thousand values to the next level.
        levels = np.abs(own - theirs) * 255 * np.reshape(std, (1, 3, 1, 1))
        assert levels.max() <= 1.01 and levels.mean() <= 0.01
        with torch.no_grad():
            outputs = model(torch.from_numpy(own.copy()))
        large = processor.post_process_depth_estimation(outputs, [picture.shape[:2]])
        return outputs.predicted_depth[0].numpy(), large[0]['predicted_depth'].numpy()
    contract = json.dumps({'mean': mean, 'std': std, 'resize': 'pillow_bicubic'})
    options = BuildOptions(backend='onnxruntime', task='depth', depth='relative',
                           input_contract=contract)
    largest, enlarged = differences(path, options, expected)
    # It enlarges with cubic splines; the networks have random weights and rough maps.
    assert largest <= 1e-3 and enlarged <= 0.05
