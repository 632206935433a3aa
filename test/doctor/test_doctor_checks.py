# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Checks of machines that are not here: a Jetson, ROS 2 of apt, GPUs, full disks, PEP 668."""

from __future__ import annotations

from pathlib import Path
import platform
import sysconfig

import pytest
from support.machines import by_name, machine, write

from edge_trt_ros.doctor.checks import gpu, jetson, libraries, ros
from edge_trt_ros.doctor.finding import Finding
from edge_trt_ros.doctor.imports import Imported
from edge_trt_ros.doctor.surroundings import IMPORT_GROUPS

H200 = {'name': 'NVIDIA H200', 'compute_capability': '9.0', 'driver': '13.0'}


@pytest.fixture
def orin(tmp_path: Path) -> Path:
    """Write the files of a Jetson Orin Nano with JetPack 6.2."""
    write(tmp_path, {
        'etc/nv_tegra_release': '# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic',
        'proc/device-tree/model': 'NVIDIA Jetson Orin Nano Developer Kit\0',
        'etc/nvpmodel.conf': '< POWER_MODEL ID=0 NAME=15W >\nCPU_ONLINE CORE_0 1\n'
                             '< POWER_MODEL ID=1 NAME=25W >\n< POWER_MODEL ID=2 NAME=MAXN_SUPER >'
                             '\n< PM_CONFIG DEFAULT=1 >\n',
        'var/lib/nvpmodel/status': 'pmode:0001 fmode:fanNull\n',
        'sys/class/devfreq/17000000.gpu/min_freq': '306000000\n',
        'sys/class/devfreq/17000000.gpu/max_freq': '1020000000\n',
        'sys/devices/system/cpu/cpu0/cpufreq/scaling_min_freq': '729600\n',
        'sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq': '1728000\n',
        'var/lib/dpkg/status':
            'Package: nvidia-jetpack\nStatus: install ok installed\nVersion: 6.2+b77\n\n'
            'Package: python3-libnvinfer\nStatus: install ok installed\n'
            'Version: 10.3.0.30-1+cuda12.5\n\n'
            'Package: removed\nStatus: deinstall ok config-files\nVersion: 1\n'})
    return tmp_path


def test_jetson(orin: Path) -> None:
    found = by_name(jetson.jetson(machine(orin)))
    assert found['Jetson'].text == \
        'NVIDIA Jetson Orin Nano Developer Kit, JetPack 6.2, Jetson Linux 36.4'
    assert '25W; MAXN_SUPER is faster' in found['power mode'].text
    assert found['power mode'].fix == 'sudo nvpmodel -m 2'
    assert found['clocks'].fix == 'sudo jetson_clocks'
    assert machine(orin).host.dpkg_version('removed') == ''


def test_jetson_at_full_speed(orin: Path) -> None:
    write(orin, {'var/lib/nvpmodel/status': 'pmode:0002',
                 'sys/class/devfreq/17000000.gpu/min_freq': '1020000000',
                 'sys/devices/system/cpu/cpu0/cpufreq/scaling_min_freq': '1728000'})
    found = by_name(jetson.jetson(machine(orin)))
    assert found['power mode'] == Finding('power mode', 'ok', 'MAXN_SUPER')
    assert found['clocks'].status == 'ok'


def test_tensorrt_of_another_cuda(orin: Path) -> None:
    status = orin / 'var/lib/dpkg/status'
    status.write_text(status.read_text().replace('+cuda12.5', '+cuda13.2'))
    surroundings = machine(orin, {'tensorrt': Imported(True, '10.3.0')},
                           [{**H200, 'name': 'Orin', 'driver': '12.6'}])
    found = by_name(gpu.tensorrt(surroundings))['TensorRT']
    assert found.status == 'warning' and found.fix == 'sudo apt install python3-libnvinfer'
    assert found.text == '10.3.0 is built for CUDA 13.2, but the driver supports 12.6'


@pytest.mark.parametrize('version, status, words', [
    ('10.3.0', 'ok', '10.3.0, as JetPack 6.2 has it, built for CUDA 12.5'),
    ('10.7.0', 'warning', '10.7.0, but JetPack 6.2 comes with 10.3'),
    ('8.6.2', 'warning', 'expected 10 or later')])
def test_tensorrt_against_jetpack(version: str, status: str, words: str, orin: Path) -> None:
    surroundings = machine(orin, {'tensorrt': Imported(True, version)},
                           [{**H200, 'name': 'Orin', 'compute_capability': '8.7'}])
    found = by_name(gpu.tensorrt(surroundings))['TensorRT']
    assert found.status == status and words in found.text


def test_jetson_without_tensorrt_or_driver(orin: Path) -> None:
    assert by_name(gpu.tensorrt(machine(orin, gpus=[H200])))['TensorRT'].fix == \
        'sudo apt install python3-libnvinfer'
    assert by_name(gpu.gpu(machine(orin)))['GPU'].fix == 'sudo apt install nvidia-jetpack'
    (orin / '.dockerenv').touch()
    assert by_name(gpu.gpu(machine(orin)))['GPU'].fix == 'docker run --runtime nvidia ...'


@pytest.mark.parametrize('release, jetpack, tensorrt', [
    ('# R35 (release), REVISION: 5.0', 'JetPack 5', '8.5'),
    ('# R36 (release), REVISION: 3.0', 'JetPack 6.0', '8.6'),
    ('# R38 (release), REVISION: 2.0', 'JetPack 7', '10.13'),
    ('# R39 (release), REVISION: 2.1', 'JetPack 7.2', '10.16'),
    ('# R32 (release), REVISION: 7.1', 'JetPack 4 or older', ''), ('nonsense', '', '')])
def test_jetpack_without_packages(release: str, jetpack: str, tensorrt: str, tmp_path: Path
                                  ) -> None:
    write(tmp_path, {'etc/nv_tegra_release': release})
    host = machine(tmp_path).host
    assert (jetson.jetpack_of(host), jetson.tensorrt_of(host)) == (jetpack, tensorrt)


def test_gpu_with_all_libraries(tmp_path: Path) -> None:
    write(tmp_path, {'sys/module/nvidia/version': '580.95.05\n'})
    surroundings = machine(tmp_path, {
        'tensorrt_rtx': Imported(True, '1.6.1.120'),
        'pycuda.driver': Imported(True, '2026.1', facts={'cuda': '13.0'}),
        'cuda.bindings.driver': Imported(True, '13.0.1'),
        'cuda.bindings.nvrtc': Imported(True, '13.0.1', facts={'loads': True})}, [H200, H200])
    found = by_name([*gpu.gpu(surroundings), *gpu.tensorrt(surroundings),
                     *gpu.pycuda(surroundings), *gpu.cuda_bindings(surroundings),
                     *gpu.kernel_compiler(surroundings)])
    assert {finding.status for finding in found.values()} == {'ok'} and len(found) == 5
    assert found['GPU'].text == ('NVIDIA H200, and 1 more, compute capability 9.0, driver '
                                 '580.95.05, CUDA 13.0')
    assert surroundings.runs_on == 'tensorrt_rtx'
    missing = by_name(libraries.onnxruntime(surroundings))['ONNX Runtime']
    assert missing.status == 'warning' and 'no engine can be built' in missing.text


def test_gpu_with_libraries_of_another_cuda(tmp_path: Path) -> None:
    write(tmp_path, {'usr/local/cuda/bin/nvcc': ''})
    surroundings = machine(tmp_path, {
        'tensorrt': Imported(True, error='ImportError: libnvinfer.so.10'),
        'pycuda.driver': Imported(True, '2026.1', facts={'cuda': '13.0'}),
        'cuda.bindings.driver': Imported(True, '13.0.1')}, [{**H200, 'driver': '12.6'}])
    assert by_name(gpu.pycuda(surroundings))['PyCUDA'].text == \
        '2026.1 is built for CUDA 13.0, but the driver supports 12.6'
    assert '--no-cache-dir' in by_name(gpu.pycuda(surroundings))['PyCUDA'].fix
    assert by_name(gpu.cuda_bindings(surroundings))['cuda-bindings'].fix == \
        "/usr/bin/python3 -m pip install 'cuda-bindings==12.*'"
    assert by_name(gpu.kernel_compiler(surroundings))['compiler'].fix == \
        'export PATH=/usr/local/cuda/bin:$PATH'
    assert 'libnvinfer.so.10' in by_name(gpu.tensorrt(surroundings))['TensorRT'].text
    assert surroundings.runs_on == ''


def test_gpu_without_libraries(tmp_path: Path) -> None:
    surroundings = machine(tmp_path, {'onnxruntime': Imported(True, '1.23')}, [H200])
    assert [next(check(surroundings)).status for check in (
        gpu.tensorrt, gpu.pycuda, gpu.cuda_bindings, gpu.kernel_compiler)] == [
            'warning', 'warning', 'optional', 'warning']
    assert surroundings.runs_on == 'onnxruntime'


@pytest.mark.parametrize('driver, tensorrt, nvrtc', [
    ('11.8', '', 'nvidia-cuda-nvrtc-cu11'),
    ('12.6', 'tensorrt-rtx-cu12', 'nvidia-cuda-nvrtc-cu12'),
    ('13.0', 'tensorrt-rtx-cu13', 'nvidia-cuda-nvrtc==13.*'),
    ('14.1', 'tensorrt-rtx-cu13', 'nvidia-cuda-nvrtc==14.*')])
def test_packages_of_the_cuda_version(driver: str, tensorrt: str, nvrtc: str, tmp_path: Path,
                                      monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, 'machine', lambda: 'x86_64')
    surroundings = machine(tmp_path, gpus=[{**H200, 'compute_capability': '8.6',
                                            'driver': driver}])
    fix = by_name(gpu.tensorrt(surroundings))['TensorRT'].fix
    assert fix.rpartition(' ')[2] == tensorrt
    assert nvrtc in by_name(gpu.kernel_compiler(surroundings))['compiler'].fix


def test_card_without_driver(tmp_path: Path) -> None:
    assert by_name(gpu.gpu(machine(tmp_path)))['GPU'].status == 'optional'
    write(tmp_path, {'sys/bus/pci/devices/0000:01:00.0/vendor': '0x10de\n',
                     'sys/bus/pci/devices/0000:01:00.0/class': '0x030000\n',
                     'etc/os-release': 'PRETTY_NAME="Ubuntu 24.04.3 LTS"\n'})
    found = by_name(gpu.gpu(machine(tmp_path)))['GPU']
    assert found.status == 'warning' and found.fix == 'sudo ubuntu-drivers install'


def test_ros_of_apt(tmp_path: Path) -> None:
    write(tmp_path, {'opt/ros/jazzy/setup.bash': ''})
    not_sourced = by_name(ros.ros(machine(tmp_path)))['ROS 2']
    assert not_sourced.status == 'missing' and not_sourced.fix == '. /opt/ros/jazzy/setup.bash'
    environ = {'ROS_DISTRO': 'jazzy', 'AMENT_PREFIX_PATH': '/ws/install:/opt/ros/jazzy'}
    found = by_name(ros.messages(machine(tmp_path, {
        name: Imported(True, '1') for name in IMPORT_GROUPS[0]
        if name not in ('vision_msgs.msg', 'gpu')}, environ=environ)))['messages']
    assert found.fix == 'sudo apt install ros-jazzy-vision-msgs'
    optional = by_name(ros.optional_ros(machine(tmp_path, environ=environ)))
    assert optional['cv_bridge'].fix == 'sudo apt install ros-jazzy-cv-bridge'
    assert optional['launch'].fix == 'sudo apt install ros-jazzy-ros2launch ros-jazzy-launch-ros'
    numpy = by_name(libraries.needed_libraries(machine(tmp_path, environ=environ)))['numpy']
    assert numpy.fix == 'sudo apt install python3-numpy'


def test_ros_of_another_distribution(tmp_path: Path) -> None:
    found = by_name(ros.ros(machine(tmp_path, {'rclpy': Imported(True, '3.3')}, environ={
        'ROS_DISTRO': 'humble'})))['ROS 2']
    assert found.status == 'warning' and 'Humble' in found.text


def test_pip_outside_of_an_environment(tmp_path: Path) -> None:
    marker = f"{sysconfig.get_path('stdlib')}/EXTERNALLY-MANAGED".lstrip('/')
    fix = by_name(libraries.onnx(machine(tmp_path)))['onnx'].fix
    assert fix == '/usr/bin/python3 -m pip install onnx'
    write(tmp_path, {marker: '[externally-managed]\n'})
    fix = by_name(libraries.onnx(machine(tmp_path)))['onnx'].fix
    assert fix == '/usr/bin/python3 -m pip install --user --break-system-packages onnx'
    inside = machine(tmp_path, in_environment=True)
    assert '--user' not in by_name(libraries.onnx(inside))['onnx'].fix
