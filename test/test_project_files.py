# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Workflows, templates and pages for contributors name what exists."""

from __future__ import annotations

from pathlib import Path
import re
from typing import Any

import pytest
from support.rosdep_keys import ROS_RELEASES
import yaml

ROOT = Path(__file__).resolve().parent.parent
GITHUB = ROOT / '.github'
WORKFLOWS = sorted((GITHUB / 'workflows').glob('*.yml'))
FORMS = [path for path in sorted((GITHUB / 'ISSUE_TEMPLATE').glob('*.yml'))
         if path.name != 'config.yml']
PAGES = sorted(ROOT / name for name in (
    'CONTRIBUTING.md', 'QUALITY_DECLARATION.md', 'SECURITY.md', 'CODE_OF_CONDUCT.md',
    'doc/release/rosdep_keys.md') if (ROOT / name).is_file())
PYTHONS = ['3.11', '3.12']

pytestmark = pytest.mark.skipif(
    not (ROOT / 'environment').is_dir(), reason='not a checkout: no environment folder')


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding='utf-8'))


def steps_of(workflow: Any) -> list[dict[str, Any]]:
    return [step for job in workflow['jobs'].values() for step in job['steps']]


def targets() -> set[str]:
    """Return the targets of the Makefile."""
    return set(re.findall(r'^([a-z][a-z-]*):', (ROOT / 'Makefile').read_text(), re.MULTILINE))


def unknown_targets(text: str) -> set[str]:
    """Return the targets that commands in a text name and the Makefile lacks."""
    named = re.findall(r'(?:^|`)make ([a-z][a-z-]*)', text, re.MULTILINE)
    return set(named) - targets()


def missing_files(page: Path, text: str) -> set[str]:
    """Return relative links and names of files in backquotes that lead nowhere."""
    links = {link.split('#')[0] for link in re.findall(r'\]\(([^)\s]+)\)', text)
             if '://' not in link}
    files = set(re.findall(r'`([\w./*-]+\.(?:py|txt|xml|md|rst|toml|cfg)|[\w./-]+/)`', text))
    homes = (ROOT, ROOT / 'edge_trt_ros', ROOT / 'environment')
    return ({link for link in links if link and not (page.parent / link).exists()}
            | {file for file in files - {'parameters.py'} if 'NAME' not in file
               and not any(any(home.glob(file.strip('/'))) or any(home.glob(f'*/{file}'))
                           for home in homes)})


def test_workflows_and_forms_are_found() -> None:
    assert WORKFLOWS and len(FORMS) == 2 and len(PAGES) == 5


@pytest.mark.parametrize('path', WORKFLOWS, ids=lambda path: path.name)
def test_workflow_is_complete(path: Path) -> None:
    workflow = load(path)
    # YAML 1.1 reads the key `on` as true.
    assert {'pull_request', 'push'} <= set(workflow[True])
    assert workflow['permissions'] == {'contents': 'read'}
    for name, job in workflow['jobs'].items():
        assert job['runs-on'] == 'ubuntu-latest' and job['timeout-minutes'] <= 60, name
    for step in steps_of(workflow):
        assert ('uses' in step) != ('run' in step), step
        assert re.fullmatch(r'actions/[a-z-]+@v\d+', step.get('uses', 'actions/x@v1')), step


@pytest.mark.parametrize('path', WORKFLOWS, ids=lambda path: path.name)
def test_targets_of_workflows_exist(path: Path) -> None:
    commands = '\n'.join(step.get('run', '') for step in steps_of(load(path)))
    assert unknown_targets(commands) == set()


def test_workflows_cover_each_ros_release_and_python() -> None:
    jobs = load(GITHUB / 'workflows' / 'test.yml')['jobs']
    assert jobs['wheels']['strategy']['matrix'] == {'ros': [*ROS_RELEASES], 'python': PYTHONS}
    assert jobs['sourced']['strategy']['matrix'] == {'ros': [*ROS_RELEASES]}
    install = (ROOT / 'environment' / 'install').read_text()
    assert '|'.join(f'{series}.*' for series in PYTHONS) in install


@pytest.mark.parametrize('path', FORMS, ids=lambda path: path.name)
def test_issue_form_has_what_github_requires(path: Path) -> None:
    form = load(path)
    assert form['name'] and form['description'] and form['body']
    fields = [field for field in form['body'] if field['type'] != 'markdown']
    names = [field['id'] for field in fields]
    assert len(set(names)) == len(names)
    assert all(field['attributes']['label'] for field in fields)


def test_pre_commit_runs_what_make_runs_and_needs_no_network() -> None:
    repository, = load(ROOT / '.pre-commit-config.yaml')['repos']
    assert repository['repo'] == 'local'
    for hook in repository['hooks']:
        assert hook['language'] == 'system'
        assert hook['entry'].startswith('make ') and unknown_targets(hook['entry']) == set()


@pytest.mark.parametrize('path', PAGES, ids=lambda path: path.name)
def test_pages_name_existing_files_and_targets(path: Path) -> None:
    text = path.read_text(encoding='utf-8')
    assert missing_files(path, text) == set()
    assert unknown_targets(text) == set()


def test_missing_files_and_targets_are_found() -> None:
    page = ROOT / 'CONTRIBUTING.md'
    assert missing_files(page, '[a](gone.md) and `test/gone.py`, `heads/registry.py`, `vision/`'
                         ) == {'gone.md', 'test/gone.py'}
    assert unknown_targets('`make test` can make a build\nmake dinner') == {'dinner'}
