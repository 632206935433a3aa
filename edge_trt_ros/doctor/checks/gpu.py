# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The GPU, its driver, TensorRT, PyCUDA, cuda-bindings and the compiler of kernels."""

from __future__ import annotations

from collections.abc import Iterator
import platform
import re

from edge_trt_ros.doctor.checks.jetson import jetpack_of, tensorrt_of
from edge_trt_ros.doctor.finding import Finding, OK, OPTIONAL, WARNING
from edge_trt_ros.doctor.host import Host
from edge_trt_ros.doctor.surroundings import Surroundings
from edge_trt_ros.runtime.tensorrt.device import driver_version

_NVIDIA, _DISPLAY = '0x10de', '0x03'
_OLDEST_TENSORRT = 10
# The newest TensorRT for RTX that runs on compute capability 9.0.
_RTX_FOR_HOPPER = '1.6.1.120'
# The CUDA versions with wheels of TensorRT for RTX; later drivers run the newest.
_RTX_CUDA = (12, 13)
# Flags of pip: its cache holds a PyCUDA that was built for another CUDA.
_BUILD_AGAIN = ('--no-cache-dir', '--force-reinstall', '--no-deps')


def gpu(surroundings: Surroundings) -> Iterator[Finding]:
    """Check the GPU and its driver."""
    host = surroundings.host
    if surroundings.gpus:
        first = surroundings.gpus[0]
        more = f', and {len(surroundings.gpus) - 1} more' if len(surroundings.gpus) > 1 else ''
        driver = driver_version(host.root)
        yield Finding('GPU', OK, f"{first['name']}{more}, compute capability "
                      f"{first['compute_capability']}, {f'driver {driver}, ' if driver else ''}"
                      f"CUDA {first['driver']}")
    elif not surroundings.imported['gpu'].works:
        yield Finding('GPU', WARNING, f"the driver fails: {surroundings.imported['gpu'].error}",
                      'nvidia-smi')
    elif jetpack_of(host) or _has_device(host):
        yield _without_driver(host)
    else:
        yield Finding('GPU', OPTIONAL, 'no NVIDIA GPU; engines run on the CPU')


def _has_device(host: Host) -> bool:
    """Return whether the machine has an NVIDIA card, with a driver or without."""
    devices = host.path('/sys/bus/pci/devices')
    return any(host.text(f'/sys/bus/pci/devices/{device.name}/vendor') == _NVIDIA
               and host.text(f'/sys/bus/pci/devices/{device.name}/class').startswith(_DISPLAY)
               for device in (devices.iterdir() if devices.is_dir() else ()))


def _without_driver(host: Host) -> Finding:
    if host.in_container:
        flag = '--runtime nvidia' if jetpack_of(host) else '--gpus all'
        return Finding('GPU', WARNING, 'an NVIDIA GPU is here, but the container does not see it; '
                       'engines run on the CPU', f'docker run {flag} ...')
    fix = 'sudo apt install nvidia-jetpack' if jetpack_of(host) \
        else 'sudo ubuntu-drivers install' if 'Ubuntu' in host.system \
        else 'sudo apt install nvidia-driver'
    return Finding('GPU', WARNING, 'an NVIDIA GPU is here, but its driver does not answer '
                   '(libcuda.so.1); engines run on the CPU', fix)


def tensorrt(surroundings: Surroundings) -> Iterator[Finding]:
    """Check TensorRT, and its version against JetPack."""
    name = surroundings.tensorrt
    if not name:
        if surroundings.gpus:
            yield Finding('TensorRT', WARNING, 'not installed; engines run on the CPU, not on the '
                          'GPU', _install_tensorrt(surroundings))
        return
    found, host = surroundings.imported[name], surroundings.host
    full = name == 'tensorrt'
    title = f"{found.version}{'' if full else ' for RTX'}"
    expected = tensorrt_of(host) if full else ''
    built_for = _cuda_of_package(host)
    if found.error:
        yield Finding('TensorRT', WARNING, f'{name} is installed, but cannot be loaded '
                      f'({found.error})', _install_tensorrt(surroundings))
    elif full and _major(found.version) < _OLDEST_TENSORRT:
        yield Finding('TensorRT', WARNING, f'{title}, expected {_OLDEST_TENSORRT} or later: '
                      'JetPack 6.1 is the first with it')
    elif full and surroundings.gpus and _major(built_for) > int(surroundings.cuda_major):
        yield Finding('TensorRT', WARNING, f'{title} is built for CUDA {built_for}, but the '
                      f"driver supports {surroundings.gpus[0]['driver']}",
                      _install_tensorrt(surroundings))
    elif expected and not found.version.startswith(expected):
        yield Finding('TensorRT', WARNING, f'{title}, but {jetpack_of(host)} comes with '
                      f'{expected}', 'sudo apt install --reinstall python3-libnvinfer')
    else:
        on = '' if surroundings.gpus else '; builds for GPUs, none is here'
        suits = f', as {jetpack_of(host)} has it' if expected else ''
        cuda = f', built for CUDA {built_for}' if full and built_for else ''
        yield Finding('TensorRT', OK, f'{title}{suits}{cuda}{on}')


def _cuda_of_package(host: Host) -> str:
    """Return the CUDA version that the Debian package of TensorRT is built for; '' if unknown."""
    found = re.search(r'\+cuda(\d+\.\d+)', host.dpkg_version('python3-libnvinfer'))
    return found[1] if found else ''


def _major(version: str) -> int:
    return int(version.partition('.')[0] or 0)


def _install_tensorrt(surroundings: Surroundings) -> str:
    host = surroundings.host
    if jetpack_of(host):
        return 'sudo apt install python3-libnvinfer'
    if platform.machine() != 'x86_64':
        return ''
    hopper = surroundings.gpus and surroundings.gpus[0]['compute_capability'] == '9.0'
    cuda = min(int(surroundings.cuda_major or _RTX_CUDA[-1]), _RTX_CUDA[-1])
    if cuda < _RTX_CUDA[0]:
        return 'sudo ubuntu-drivers install' if 'Ubuntu' in host.system else ''
    wanted = f'tensorrt-rtx-cu{cuda}'
    return host.pip_install(f'{wanted}=={_RTX_FOR_HOPPER}' if hopper else wanted)


def pycuda(surroundings: Surroundings) -> Iterator[Finding]:
    """Check PyCUDA, and the CUDA version that it is built for."""
    if not surroundings.gpus:
        return
    found = surroundings.imported['pycuda.driver']
    built_for, supported = str(found.facts.get('cuda', '')), str(surroundings.gpus[0]['driver'])
    fix = surroundings.host.pip_install(*_BUILD_AGAIN, 'pycuda')
    if not found.installed:
        yield Finding('PyCUDA', WARNING, 'not installed; engines run on the CPU, not on the GPU',
                      surroundings.host.pip_install('pycuda'))
    elif found.error:
        yield Finding('PyCUDA', WARNING, f'it is installed, but cannot be loaded ({found.error})',
                      fix)
    elif _major(built_for) > int(surroundings.cuda_major):
        yield Finding('PyCUDA', WARNING, f'{found.version} is built for CUDA {built_for}, but the '
                      f'driver supports {supported}', fix)
    else:
        yield Finding('PyCUDA', OK, f'{found.version}, built for CUDA {built_for}')


def cuda_bindings(surroundings: Surroundings) -> Iterator[Finding]:
    """Check cuda-bindings, which run a frame as one CUDA graph."""
    if not surroundings.gpus:
        return
    found, wanted = surroundings.imported['cuda.bindings.driver'], surroundings.cuda_major
    fix = surroundings.host.pip_install(f'cuda-bindings=={wanted}.*')
    if not found.installed:
        yield Finding('cuda-bindings', OPTIONAL, 'not installed; for CUDA graphs (0.58 instead of '
                      '0.81 ms a frame on an H200)', fix)
    elif found.error:
        yield Finding('cuda-bindings', WARNING, f'cannot be loaded ({found.error})', fix)
    elif found.version and found.version.partition('.')[0] != wanted:
        yield Finding('cuda-bindings', WARNING, f'{found.version}, but the driver supports CUDA '
                      f"{surroundings.gpus[0]['driver']}", fix)
    else:
        yield Finding('cuda-bindings', OK, f'{found.version}; CUDA graphs')


def kernel_compiler(surroundings: Surroundings) -> Iterator[Finding]:
    """Check what compiles the preprocess kernel on its first use."""
    host, compiler = surroundings.host, surroundings.compiles_kernels
    if not surroundings.gpus:
        return
    if compiler:
        yield Finding('compiler', OK, f'{compiler}; compiles the preprocess kernel')
        return
    folder = '/usr/local/cuda/bin'
    major = surroundings.cuda_major
    package = f'nvidia-cuda-nvrtc-cu{major}' if int(major) < 13 \
        else f'nvidia-cuda-nvrtc=={major}.*'
    fix = f'export PATH={folder}:$PATH' if host.path(f'{folder}/nvcc').exists() \
        else host.pip_install(f'cuda-bindings=={major}.*', package)
    yield Finding('compiler', WARNING, 'neither NVRTC nor nvcc is found; without one the '
                  'preprocess kernel cannot be compiled, and no engine runs on the GPU', fix)
