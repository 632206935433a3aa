# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The release tools accept package.xml and CHANGELOG.rst, and each file has a licence."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path
import re
import shutil
import subprocess

from catkin_pkg.changelog import get_changelog_from_path
from catkin_pkg.package import parse_package
from catkin_pkg.package_version import get_forthcoming_label
from catkin_pkg.package_version import update_changelog_sections
from catkin_pkg.package_version import update_versions
import pytest
from support.rosdep_keys import has_apt_package, known_names, ROS_RELEASES

# catkin_pkg calls a method of docutils by its older name.
pytestmark = pytest.mark.filterwarnings('ignore:nodes.Node.traverse:DeprecationWarning')

ROOT = Path(__file__).resolve().parent.parent
HOME = 'https://github.com/edge-trt-ros/edge_trt_ros'
# In two parts, so that REUSE does not read it as the licence of this file.
LICENCE = 'SPDX-License-' 'Identifier: Apache-2.0'


def package():
    """Return package.xml as catkin_pkg reads it; any warning is an error."""
    warnings = []
    parsed = parse_package(str(ROOT / 'package.xml'), warnings=warnings)
    assert warnings == []
    return parsed


def changelog():
    return get_changelog_from_path(str(ROOT / 'CHANGELOG.rst'), 'edge_trt_ros')


def test_package_xml_has_everything_that_a_release_shows():
    parsed = package()
    assert {url.type: url.url for url in parsed.urls} == {
        'website': HOME, 'repository': HOME, 'bugtracker': f'{HOME}/issues'}
    assert [person.name for person in parsed.authors] == ['edge_trt_ros maintainers']
    assert parsed.get_build_type() == 'ament_python'
    assert all((ROOT / licence.file).is_file() for licence in parsed.licenses)


@pytest.mark.parametrize('release', ROS_RELEASES)
def test_every_dependency_is_an_apt_package_or_a_package_of_the_release(release):
    parsed = package()
    names = {depend.name for depend in [*parsed.exec_depends, *parsed.test_depends]}
    assert {'rclpy', 'python3-numpy'} <= names
    assert names - known_names(release) == set()


@pytest.mark.parametrize('release', ROS_RELEASES)
def test_keys_of_pip_and_unknown_keys_are_refused(release):
    known = known_names(release)
    assert not {'python3-onnxruntime-pip', 'python3-rosbags-pip', 'onnxruntime', 'numpy'} & known
    assert len(known) > 3000


@pytest.mark.parametrize('rules, expected', [
    ({}, False), (None, False), ({'debian': ['a']}, False), ({'ubuntu': ['a']}, True),
    ({'ubuntu': {'pip': {'packages': ['a']}}}, False),
    ({'*': {'pip': {'packages': ['a']}}}, False), ({'*': ['a']}, True),
    ({'ubuntu': {'*': ['a'], 'noble': None}}, False),
    ({'ubuntu': {'*': None, 'noble': ['a']}}, True),
    ({'ubuntu': {'jammy': ['a']}}, False),
    ({'ubuntu': {'apt': {'packages': ['a']}}}, True)])
def test_apt_packages_are_recognised(rules, expected):
    assert has_apt_package(rules) is expected


def test_changelog_has_this_version():
    assert [version for version, _, _ in changelog().foreach_version()][-1] == package().version


def test_release_tools_raise_the_version(tmp_path):
    for name in ('package.xml', 'setup.py', 'CHANGELOG.rst', 'LICENSE'):
        shutil.copy(ROOT / name, tmp_path)
    update_versions({str(tmp_path): package()}, '9.8.7')
    text = (tmp_path / 'CHANGELOG.rst').read_text(encoding='utf-8')
    label = get_forthcoming_label(text)
    assert label == 'Forthcoming'
    update_changelog_sections(
        {'edge_trt_ros': (str(tmp_path / 'CHANGELOG.rst'), changelog(), label)}, '9.8.7')

    assert parse_package(str(tmp_path / 'package.xml')).version == '9.8.7'
    assert "version='9.8.7'," in (tmp_path / 'setup.py').read_text(encoding='utf-8')
    released = get_changelog_from_path(str(tmp_path / 'CHANGELOG.rst'), 'edge_trt_ros')
    assert [version for version, _, _ in released.foreach_version()][-1] == '9.8.7'
    entries, = released.get_content_of_version('9.8.7')
    assert len(entries.bullets) == text.split('\n0.1.0 (')[0].count('\n* ') > 0


def test_each_version_of_the_changelog_has_a_date_and_entries():
    for version, date, content in changelog().foreach_version():
        assert date and content, version


def test_each_tracked_file_has_a_licence():
    listed = subprocess.run(['git', 'ls-files', '-z'], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip('not a git checkout: there is no list of tracked files')
    patterns = re.findall(r'^  "(.+)",$', (ROOT / 'REUSE.toml').read_text(), re.MULTILINE)
    assert '**.md' in patterns
    # REUSE itself leaves out the texts of licences, empty files and links.
    names = {name for name in listed.stdout.decode().split('\0') if name != 'LICENSE'
             and (ROOT / name).is_file() and not (ROOT / name).is_symlink()
             and (ROOT / name).stat().st_size}
    assert len(names) > 300
    assert {name for name in names
            if not any(fnmatch(name, pattern) for pattern in patterns)
            and LICENCE.encode() not in (ROOT / name).read_bytes()} == set()
