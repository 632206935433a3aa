# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""ROS 2's own checks of style, licence lines and XML, where a ROS 2 installation has them."""

from __future__ import annotations

import importlib
from pathlib import Path
import shutil
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parent.parent

# What ament_copyright has to find: it knows the long header of this licence only, and further
# ones come from packages that register them. This is the entry point of such a package.
SHORT_HEADER = SimpleNamespace(
    name='Apache-2.0, as an SPDX line', spdx='Apache-2.0',
    file_headers=['{copyright}\nSPDX-License-' 'Identifier: Apache-2.0'], license_files=[],
    contributing_files=['are accepted under the Apache License 2.0'])


def linter(name: str, monkeypatch: pytest.MonkeyPatch):
    """Return the main function of a linter of ament, which checks the working directory."""
    try:
        module = importlib.import_module(f'{name}.main')
    except ImportError:
        pytest.skip(f'{name} has no wheel for these tests; a ROS 2 installation contains it')
    monkeypatch.chdir(ROOT)
    return module.main


@pytest.fixture
def short_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the short header with ament_copyright, as an installed package would."""
    metadata = tmp_path / 'short_header-1.0.dist-info'
    metadata.mkdir()
    (metadata / 'METADATA').write_text('Metadata-Version: 2.1\nName: short-header\nVersion: 1.0\n')
    (metadata / 'entry_points.txt').write_text(
        f'[ament_copyright.license]\nshort_header = {__name__}:SHORT_HEADER\n')
    monkeypatch.syspath_prepend(tmp_path)


def test_ament_copyright(short_header, monkeypatch, capsys):
    main = linter('ament_copyright', monkeypatch)
    assert main(argv=[]) == 0, capsys.readouterr().err


def test_ament_copyright_reports_a_file_without_a_licence(
        short_header, tmp_path, monkeypatch, capsys):
    main = linter('ament_copyright', monkeypatch)
    (tmp_path / 'bare.py').write_text('# Copyright 2026 somebody\n\nA = 1\n')
    assert main(argv=[str(tmp_path)]) == 1
    assert 'license=<unknown>' in capsys.readouterr().err


def test_ament_flake8(monkeypatch, capfd):
    # Its own configuration cannot know that edge_trt_ros is imported last; ours has its rules.
    main = linter('ament_flake8', monkeypatch)
    assert main(argv=['--config', str(ROOT / 'setup.cfg')]) == 0, capfd.readouterr().out


def test_ament_pep257(monkeypatch, capsys):
    # It takes properties for functions, whose docstrings are in the imperative (D401); flake8
    # checks that for what is a function.
    main = linter('ament_pep257', monkeypatch)
    assert main(argv=['--add-ignore', 'D401']) == 0, capsys.readouterr().err


def test_ament_xmllint(monkeypatch, capsys):
    main = linter('ament_xmllint', monkeypatch)
    if shutil.which('xmllint') is None:
        pytest.skip('there is no xmllint: apt-get install libxml2-utils')
    assert main(argv=[]) == 0, capsys.readouterr().err
