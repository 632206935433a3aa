# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The machine's own files and environment variables, and the commands that install on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
import os
from pathlib import Path
import re
import shlex
import shutil
import sys

from edge_trt_ros.optional_libraries import FOR_THIS_USER, managed_marker

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Host:
    """
    The machine on which the nodes run.

    :param root: folder that contains its file system; another than '/' is for tests.
    :param environ: environment variables.
    :param python: the Python interpreter.
    :param in_environment: whether that is one of a virtual environment.
    :param checkout: folder that contains the package.
    """

    root: Path = Path('/')
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    python: str = sys.executable
    in_environment: bool = sys.prefix != sys.base_prefix
    checkout: Path = _PACKAGE_ROOT

    def path(self, name: str) -> Path:
        """Return an absolute path below the root."""
        return self.root / name.lstrip('/')

    def text(self, name: str) -> str:
        """Return the text of a file without trailing spaces; '' if it cannot be read."""
        try:
            return self.path(name).read_text(encoding='utf-8', errors='replace').strip(' \0\n')
        except OSError:
            return ''

    @cached_property
    def system(self) -> str:
        """Name and version of the distribution, as 'Ubuntu 24.04.3 LTS'."""
        found = re.search(r'^PRETTY_NAME="?([^"\n]+)', self.text('/etc/os-release'), re.MULTILINE)
        return found[1] if found else sys.platform

    @cached_property
    def in_container(self) -> bool:
        """Whether this process runs in a Docker or Podman container."""
        return self.path('/.dockerenv').exists() or self.path('/run/.containerenv').exists()

    @cached_property
    def pip_is_refused(self) -> bool:
        """Whether pip refuses to install outside of a virtual environment (PEP 668)."""
        return not self.in_environment and self.path(str(managed_marker())).exists()

    @cached_property
    def apt_ros(self) -> str:
        """Name of the ROS distribution that is sourced from /opt/ros; '' for none."""
        distro = self.environ.get('ROS_DISTRO', '')
        sourced = f'/opt/ros/{distro}' in self.environ.get('AMENT_PREFIX_PATH', '').split(':')
        return distro if distro and sourced else ''

    def dpkg_version(self, package: str) -> str:
        """Return the version of an installed Debian package; '' if it is not installed."""
        for paragraph in self.text('/var/lib/dpkg/status').split('\n\n'):
            if paragraph.startswith(f'Package: {package}\n') and ' installed\n' in paragraph:
                found = re.search(r'^Version: (\S+)', paragraph, re.MULTILINE)
                return found[1] if found else ''
        return ''

    def pip_install(self, *packages: str) -> str:
        """
        Return the command that installs Python packages.

        Where pip refuses to install outside of an environment (PEP 668), it installs for this
        user: the Python of `ros2 run` reads the user's folder, but not a virtual environment, and
        files of apt are not touched.

        :param packages: requirements, such as 'cuda-bindings==13.*'.
        """
        on_path = shutil.which('python3', path=self.environ.get('PATH')) or ''
        same = Path(on_path).parent == Path(self.python).parent
        python = 'python3' if same else shlex.quote(self.python)
        flags = FOR_THIS_USER if self.pip_is_refused else ''
        return f'{python} -m pip install{flags} {shlex.join(packages)}'

    def apt_or_pip(self, apt_package: str, pip_package: str) -> str:
        """Return the command for a library of Ubuntu: of apt where ROS is, else of pip."""
        return f'sudo apt install {apt_package}' if self.apt_ros and not self.in_environment \
            else self.pip_install(pip_package)

    def ros_install(self, *packages: str) -> str:
        """Return the command that installs ROS packages, given by their ROS names."""
        if self.apt_ros:
            names = (f"ros-{self.apt_ros}-{name.replace('_', '-')}" for name in packages)
            return f"sudo apt install {' '.join(names)}"
        installed = sorted(path.parent.name for path in
                           self.path('/opt/ros').glob('*/setup.bash'))
        if installed:
            return f'. /opt/ros/{installed[-1]}/setup.bash'
        script = self.checkout / 'environment' / 'install'
        if script.exists():
            folder = shlex.quote(str(script.parent))
            return f'{folder}/install && . {folder}/activate'
        return 'sudo apt install ros-jazzy-ros-base ros-jazzy-vision-msgs ' \
            '(after the first steps of docs.ros.org/en/jazzy/Installation)'
