# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The names that a package.xml may depend on: rosdep keys, and packages of a ROS 2 release.

`test/rosdep/` has a copy of the names alone. To renew it from a clone of github.com/ros/rosdistro:
`PYTHONPATH=test python3 -m support.rosdep_keys path/to/rosdistro`.
"""

from __future__ import annotations

from pathlib import Path
import sys
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parent.parent / 'rosdep'
UBUNTU = 'noble'
ROS_RELEASES = ('jazzy', 'kilted')


def known_names(release: str) -> set[str]:
    """Return what a package of a ROS 2 release can depend on, on Ubuntu 24.04."""
    return read_names(f'ubuntu_{UBUNTU}') | read_names(release)


def read_names(stem: str) -> set[str]:
    """Return the names in one file of test/rosdep."""
    lines = (FOLDER / f'{stem}.txt').read_text(encoding='utf-8').splitlines()
    return {line for line in lines if line and not line.startswith('#')}


def has_apt_package(rules: Any) -> bool:
    """Return whether rosdep's rules of a key name apt packages on Ubuntu 24.04, not pip's."""
    rule = rules.get('ubuntu', rules.get('*')) if isinstance(rules, dict) else None
    if isinstance(rule, dict) and UBUNTU in rule:
        rule = rule[UBUNTU]
    elif isinstance(rule, dict) and '*' in rule:
        rule = rule['*']
    if isinstance(rule, dict):
        rule = rule.get('apt', rule.get('packages'))
    return bool(rule)


def released_packages(distribution: Any) -> set[str]:
    """Return the packages that a ROS 2 release contains, from its distribution.yaml."""
    return {package for name, repository in distribution['repositories'].items()
            if 'version' in repository.get('release', {})
            for package in repository['release'].get('packages', [name])}


def renew(rosdistro: Path) -> None:
    """Write the files of test/rosdep from a checkout of rosdistro."""
    def load(path: str) -> Any:
        return yaml.safe_load((rosdistro / path).read_text(encoding='utf-8'))

    write(f'ubuntu_{UBUNTU}', 'Keys of rosdep with apt packages on Ubuntu 24.04', {
        key for part in ('base', 'python') for key, rules in load(f'rosdep/{part}.yaml').items()
        if has_apt_package(rules)})
    for release in ROS_RELEASES:
        write(release, f'Packages of ROS 2 {release.title()}',
              released_packages(load(f'{release}/distribution.yaml')))


def write(stem: str, title: str, names: set[str]) -> None:
    """Write one file of test/rosdep."""
    licence = Path(__file__).read_text(encoding='utf-8').splitlines()[:2]
    (FOLDER / f'{stem}.txt').write_text('\n'.join(
        [*licence, '', f'# {title}, written by test/support/rosdep_keys.py.', *sorted(names)])
        + '\n', encoding='utf-8')


if __name__ == '__main__':
    renew(Path(sys.argv[1]))
