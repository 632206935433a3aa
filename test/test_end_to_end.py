# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The nodes as on a robot: separate processes that communicate over DDS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import json
import os
from pathlib import Path
import signal
import subprocess
import sys
from typing import Any

from lifecycle_msgs.srv import GetState
import numpy as np
import pytest
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image
from std_srvs.srv import Trigger
from support.gpu import built, why_no_gpu
from support.graph import Graph, graph
from support.models import dense_model, save
from vision_msgs.msg import BoundingBox2D, Detection2D, Detection2DArray, Detection3DArray

from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt


@pytest.fixture()
def ros() -> Iterator[Graph]:
    with graph() as opened:
        yield opened


@contextmanager
def process(name: str, **parameters: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run an executable as `ros2 run` does; it must exit cleanly on SIGINT."""
    command = [sys.executable, '-m', 'edge_trt_ros', name, '--ros-args']
    for parameter, value in parameters.items():
        command += ['-p', f"{parameter.replace('__', '.')}:={value}"]
    child = subprocess.Popen(command)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGINT)
        try:
            status = child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise
    # 130 if SIGINT came before its libraries were loaded.
    assert status in (0, 130)


def test_build_start_detect_reload(ros: Graph, tmp_path: Path) -> None:
    onnx, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    with process('engine_builder_node', models='[m]', m__onnx_file_path=onnx,
                 m__engine_file_path=engine, m__reload_service='/inference/reload'), \
            process('inference_node', engine_file_path=engine, autostart=True,
                    confidence_threshold=0.1):
        state = ros.call(GetState, 'inference/get_state')
        assert state.current_state.label == 'unconfigured'  # no engine exists yet
        answer = ros.call(Trigger, 'engine_builder/m/build', timeout_s=60)
        assert answer.success, answer.message
        ros.until(ros.images.get_subscription_count)
        first = ros.answer()
        assert first.detections and first.header.frame_id == 'camera'
        save(dense_model(weight=9.0), onnx)
        answer = ros.call(Trigger, 'engine_builder/m/build', timeout_s=60)
        assert 'is in use' in answer.message
        second = ros.answer()
        assert [detection.bbox for detection in first.detections] != [
            detection.bbox for detection in second.detections]
        live = Parameter('confidence_threshold', value=1.0).to_parameter_msg()
        request = SetParameters.Request(parameters=[live])
        assert ros.call(SetParameters, 'inference/set_parameters', request).results[0].successful
        assert not ros.answer().detections


def test_killed_builder_leaves_the_old_engine(ros: Graph, tmp_path: Path) -> None:
    onnx, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    with process('engine_builder_node', models='[m]', m__onnx_file_path=onnx,
                 m__engine_file_path=engine):
        assert ros.call(Trigger, 'engine_builder/m/build', timeout_s=60).success
    old = read_engine(engine)
    save(dense_model((1280, 1280), classes=1200), onnx)  # the build takes seconds
    command = [sys.executable, '-m', 'edge_trt_ros', 'build_engine', str(onnx), '-o', str(engine)]
    child = subprocess.Popen(command, start_new_session=True)
    ros.until(lambda: (tmp_path / '.m.engine.lock').exists())
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    assert read_engine(engine) == old
    save(dense_model(weight=3.0), onnx)
    done = subprocess.run(command, check=False)
    assert done.returncode == 0 and read_engine(engine) != old
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        'm.engine', 'm.engine.json', 'm.onnx']


def test_ctrl_c_without_an_engine(tmp_path: Path) -> None:
    with process('inference_node', engine_file_path=tmp_path / 'none', autostart=True) as child:
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(3)


def run_demo(output: Path) -> dict[str, Any]:
    """Run the demo as `make demo` does, and check its results and files."""
    done = subprocess.run(
        [sys.executable, '-m', 'edge_trt_ros', 'demo', '--seconds', '10', '--output', output],
        check=False, stdout=subprocess.PIPE, timeout=120)
    result: dict[str, Any] = json.loads(done.stdout)
    good = min(result['recall'], result['precision']) >= 0.85
    assert done.returncode == (0 if good else 1)
    assert set(result) == {'frames', 'detections', 'recall', 'precision', 'latency_ms', 'drops',
                           'backend', 'reason'}
    # 10 s of the road may be harder than the whole road.
    assert min(result['recall'], result['precision']) >= 0.8
    assert {path.name for path in output.iterdir()} >= {
        'overlay.png', 'contact_sheet.png', 'road_users.engine', 'result.json'}
    return result


@pytest.mark.skipif(not why_no_gpu(), reason='the demo runs on the GPU here')
def test_demo_prints_one_line_of_json(tmp_path: Path) -> None:
    result = run_demo(tmp_path)
    assert result['frames'] > 20 and result['backend'] == 'onnxruntime' and result['reason']


@pytest.mark.gpu
@pytest.mark.skipif(bool(why_no_gpu()), reason=why_no_gpu())
def test_demo_on_the_gpu(tmp_path: Path) -> None:
    result = run_demo(tmp_path)
    assert result['backend'] == installed_tensorrt()
    assert 'each frame is one CUDA graph' in result['reason']
    assert result['frames'] > 200 and result['latency_ms']['p50'] < 20


@pytest.mark.gpu
@pytest.mark.skipif(bool(why_no_gpu()), reason=why_no_gpu())
def test_node_restarts_within_seconds(tmp_path: Path) -> None:
    engine = built(dense_model((320, 320)), tmp_path)
    done = subprocess.run(
        [sys.executable, '-m', 'edge_trt_ros', 'benchmark', engine, '--node', '5', '--json',
         '--backend', installed_tensorrt()], check=True, stdout=subprocess.PIPE, timeout=120)
    node = json.loads(done.stdout)['node']
    assert node['start_s']['again'] <= 1.5 and node['lost'] <= 2


def test_detections_3d_node_as_a_process(ros: Graph) -> None:
    found: list[Detection3DArray] = []
    ros.peer.create_subscription(Detection3DArray, 'detections_3d', found.append, 10)
    depth = ros.peer.create_publisher(Image, 'depth/image', 10)
    info = ros.peer.create_publisher(CameraInfo, 'camera_info', 10)
    seen = ros.peer.create_publisher(Detection2DArray, 'detections', 10)
    pixels = np.full((48, 64), 2000, np.uint16)
    box = BoundingBox2D(size_x=20.0, size_y=20.0)
    box.center.position.x, box.center.position.y = 32.0, 24.0

    def publish_until_found() -> bool:
        info.publish(CameraInfo(width=64, height=48, k=[50.0, 0, 32, 0, 50, 24, 0, 0, 1]))
        depth.publish(Image(width=64, height=48, encoding='16UC1', step=128,
                            data=pixels.tobytes()))
        seen.publish(Detection2DArray(detections=[Detection2D(bbox=box)]))
        ros.spin(0.2)
        return bool(found)
    with process('detections_3d_node', max_depth_m=5.0):
        ros.until(publish_until_found, 60)
    position = found[0].detections[0].bbox.center.position
    assert (position.x, position.y, position.z) == (0, 0, 2)
