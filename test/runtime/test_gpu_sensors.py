# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Temperature, load, clock and power mode: from NVML, and from the files of a Jetson."""

from __future__ import annotations

from pathlib import Path
import shutil
import subprocess

import pytest
from support.machines import write

from edge_trt_ros.runtime.gpu_sensors import GpuSensors
from edge_trt_ros.runtime.jetson_board import (board_state, clocks_are_fixed, gpu_clock_mhz,
                                               gpu_load_percent, gpu_temperature_c, power_mode,
                                               PowerMode)
from edge_trt_ros.runtime.tensorrt.device import find_gpu

# As on an Orin with JetPack 6.2 and 7.2.
ORIN = {
    'etc/nvpmodel.conf': '< POWER_MODEL ID=0 NAME=15W >\n< POWER_MODEL ID=1 NAME=25W >\n'
                         '< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n',
    'var/lib/nvpmodel/status': 'pmode:0001 fmode:fanNull\n',
    'sys/class/thermal/thermal_zone0/type': 'cpu-thermal\n',
    'sys/class/thermal/thermal_zone0/temp': '61000\n',
    'sys/class/thermal/thermal_zone1/type': 'gpu-thermal\n',
    'sys/class/thermal/thermal_zone1/temp': '52437\n',
    'sys/class/devfreq/17000000.gpu/min_freq': '306000000\n',
    'sys/class/devfreq/17000000.gpu/max_freq': '1020000000\n',
    'sys/class/devfreq/17000000.gpu/cur_freq': '612000000\n',
    'sys/devices/platform/gpu.0/load': '873\n',
    'sys/devices/system/cpu/cpu0/cpufreq/scaling_min_freq': '729600\n',
    'sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq': '1728000\n'}
# What it would answer: 0 is success, 3 "not supported".
NVML = """
typedef struct { unsigned gpu, memory; } Utilization;
int nvmlInit_v2(void) { return INIT; }
int nvmlDeviceGetHandleByPciBusId_v2(const char *id, void **device)
{ *device = (void *)7; return id[0] == '0' ? 0 : 6; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = COUNT; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device)
{ *device = (void *)7; return index; }
int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *value)
{ *value = 41; return device == (void *)7 && sensor == 0 ? ANSWER : 2; }
int nvmlDeviceGetClockInfo(void *device, int type, unsigned *value)
{ *value = 1980; return device == (void *)7 && type == 1 ? ANSWER : 2; }
int nvmlDeviceGetUtilizationRates(void *device, Utilization *value)
{ value->gpu = 96; value->memory = 12; return device == (void *)7 ? ANSWER : 2; }
"""
OF_NVML = {'gpu_temperature_c': 41, 'gpu_load_percent': 96, 'gpu_clock_mhz': 1980}
OF_FILES = {'gpu_temperature_c': 52.437, 'gpu_load_percent': 87.3, 'gpu_clock_mhz': 612}


@pytest.fixture
def orin(tmp_path: Path) -> Path:
    write(tmp_path, ORIN)
    return tmp_path


def nvml(folder: Path, answer: int = 0, init: int = 0, count: int = 1) -> str:
    """Compile a stand-in for NVML; return its path."""
    compiler = shutil.which('gcc') or shutil.which('cc')
    if compiler is None:
        pytest.skip('no C compiler is installed')
    source, library = folder / 'nvml.c', folder / 'libnvidia-ml.so.1'
    source.write_text(NVML)
    subprocess.run([compiler, '-shared', '-fPIC', f'-DANSWER={answer}', f'-DINIT={init}',
                    f'-DCOUNT={count}', source, '-o', library], check=True)
    return str(library)


def test_files_of_a_jetson(orin: Path) -> None:
    assert GpuSensors(root=orin, library='absent').read() == pytest.approx(OF_FILES)
    assert power_mode(orin) == PowerMode('25W', 'MAXN_SUPER', '2')
    assert board_state(orin) == {'power_mode': '25W', 'clocks': 'follow the load'}
    write(orin, {'sys/class/devfreq/17000000.gpu/min_freq': '1020000000',
                 'sys/devices/system/cpu/cpu0/cpufreq/scaling_min_freq': '1728000'})
    assert clocks_are_fixed(orin)
    assert board_state(orin)['clocks'] == 'fixed at their maximum'


@pytest.mark.parametrize('name', ['17000000.ga10b', '17000000.gv11b', 'gpu-gpc-0'])
def test_files_of_other_jetsons(name: str, tmp_path: Path) -> None:
    write(tmp_path, {f'sys/class/devfreq/{name}/cur_freq': '1377000000',
                     f'sys/class/devfreq/{name}/device/load': '5',
                     'sys/class/thermal/thermal_zone4/type': 'GPU-therm',
                     'sys/class/thermal/thermal_zone4/temp': '-500'})
    assert (gpu_clock_mhz(tmp_path), gpu_load_percent(tmp_path), gpu_temperature_c(tmp_path)) == \
        pytest.approx((1377, 0.5, -0.5))
    assert power_mode(tmp_path) is None and board_state(tmp_path) == {}


def test_gpu_without_power_has_no_temperature(orin: Path) -> None:
    (orin / 'sys/class/thermal/thermal_zone1/temp').unlink()
    (orin / 'sys/class/thermal/thermal_zone1/temp').mkdir()  # reading it fails, as on the board
    write(orin, {'sys/devices/platform/gpu.0/load': 'none'})
    assert GpuSensors(root=orin, library='absent').read() == pytest.approx({'gpu_clock_mhz': 612})


def test_machine_without_any(tmp_path: Path) -> None:
    assert GpuSensors(root=tmp_path, library='absent').read() == {}
    assert board_state(tmp_path) == {} and clocks_are_fixed(tmp_path) is None


def test_nvml_comes_first_and_files_fill_its_gaps(orin: Path, tmp_path: Path) -> None:
    known = GpuSensors('0000:65:00.0', orin, nvml(tmp_path))
    assert known.read() == OF_NVML
    (tmp_path / 'orin').mkdir()
    unsupported = GpuSensors('', orin, nvml(tmp_path / 'orin', answer=3))
    assert unsupported.read() == pytest.approx(OF_FILES)


@pytest.mark.parametrize('wrong', [{'init': 9}, {'count': 2}])
def test_nvml_that_does_not_know_the_gpu_is_not_asked(
        wrong: dict[str, int], orin: Path, tmp_path: Path) -> None:
    found = GpuSensors('', orin, nvml(tmp_path, **wrong)).read()
    assert found == pytest.approx(OF_FILES)


@pytest.mark.gpu
@pytest.mark.skipif(find_gpu() is None, reason='there is no NVIDIA GPU here')
def test_sensors_of_this_gpu() -> None:
    gpu = find_gpu()
    assert gpu is not None
    found = GpuSensors(gpu.pci_bus_id).read()
    assert 0 < found['gpu_temperature_c'] < 120 and 0 <= found['gpu_load_percent'] <= 100
    assert 100 < found['gpu_clock_mhz'] < 5000
