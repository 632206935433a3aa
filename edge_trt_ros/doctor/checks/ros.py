# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Python, ROS 2, its messages, launch and cv_bridge."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
import platform
import sys

from edge_trt_ros.doctor.finding import Finding, MISSING, OK, OPTIONAL, WARNING
from edge_trt_ros.doctor.surroundings import MESSAGE_MODULES, Surroundings

DISTROS = ('jazzy', 'kilted')
_OLDEST_PYTHON = (3, 11)


def python(surroundings: Surroundings) -> Iterator[Finding]:
    """Check the version of Python."""
    host = surroundings.host
    where = 'in a virtual environment' if host.in_environment else host.python
    here = f'{platform.python_version()}, {where}'
    if sys.version_info >= _OLDEST_PYTHON:
        yield Finding('Python', OK, here)
    else:
        yield Finding('Python', MISSING, f'{here}, but 3.11 or 3.12 is needed: use Ubuntu 24.04')


def ros(surroundings: Surroundings) -> Iterator[Finding]:
    """Check rclpy and the distribution of ROS 2."""
    host, rclpy = surroundings.host, surroundings.imported['rclpy']
    distro = host.environ.get('ROS_DISTRO', '') or _distro_of_wheels()
    if not rclpy.works:
        why = rclpy.error if rclpy.installed else 'rclpy is not found'
        yield Finding('ROS 2', MISSING, f'{why}; the nodes need it', host.ros_install('rclpy'))
    elif distro and distro not in DISTROS:
        yield Finding('ROS 2', WARNING, f'{distro.capitalize()}, but this package is tested with '
                      f"{' and '.join(name.capitalize() for name in DISTROS)}")
    else:
        yield Finding('ROS 2', OK, f'{distro.capitalize()}, rclpy {rclpy.version}'.lstrip(', '))


def _distro_of_wheels() -> str:
    for distro in DISTROS:
        try:
            version(f'ros-{distro}-rclpy')
            return distro
        except PackageNotFoundError:
            pass
    return ''


def messages(surroundings: Surroundings) -> Iterator[Finding]:
    """Check the message packages of the nodes."""
    imported = surroundings.imported
    failed = [name for name in MESSAGE_MODULES if not imported[name].works]
    packages = [name.partition('.')[0] for name in failed]
    if failed:
        broken = [imported[name].error for name in failed if imported[name].installed]
        listed = f'all {len(failed)} packages' if len(failed) == len(MESSAGE_MODULES) \
            else ', '.join(packages)
        yield Finding('messages', MISSING, f'{listed}: '
                      f"{broken[0] if broken else 'not found'}; the nodes need them",
                      surroundings.host.ros_install(*packages))
    else:
        yield Finding('messages', OK, f'all {len(MESSAGE_MODULES)} packages, '
                      f"vision_msgs {imported['vision_msgs.msg'].version}".rstrip())


def optional_ros(surroundings: Surroundings) -> Iterator[Finding]:
    """Check what the nodes run without."""
    for name, modules, packages, purpose in (
            ('launch', ('launch', 'launch_ros'), ('ros2launch', 'launch_ros'),
             'launch files'),
            ('cv_bridge', ('cv_bridge',), ('cv_bridge',),
             'rare image encodings')):
        failed = [surroundings.imported[module] for module in modules
                  if not surroundings.works(module)]
        broken = [found.error for found in failed if found.installed]
        if not failed:
            yield Finding(name, OK, 'here')
        elif broken:
            yield Finding(name, WARNING, f'{broken[0]}; for {purpose}',
                          surroundings.host.ros_install(*packages))
        else:
            fix = surroundings.host.ros_install(*packages) if surroundings.host.apt_ros else ''
            source = '' if fix else ' (comes with apt)'
            yield Finding(name, OPTIONAL, f'not installed; for {purpose}{source}', fix)
