# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Sphinx configuration of the documentation, for `make docs` and for rosdoc2.

rosdoc2 copies this folder, executes this file from a conf.py of its own, and replaces the theme.
It has neither furo nor the renderer of diagrams, so both are optional.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
import re
import sys
from xml.etree import ElementTree

_here = Path(__file__).resolve().parent
# The conf.py that rosdoc2 writes contains the path of this file, the only way back to the package.
_original = re.search(r'open\("(.+)"\)', Path(__file__).read_text(encoding='utf-8'))
_root = (Path(_original[1]) if _original else Path(__file__)).resolve().parents[1]
sys.path[:0] = [str(_here / '_ext'), str(_root)]

project = 'edge_trt_ros'
author = 'edge_trt_ros maintainers'
copyright = f'2026, {author}'  # noqa: A001
release = version = ElementTree.parse(_root / 'package.xml').getroot().findtext('version', '')

extensions = ['myst_parser', 'sphinx.ext.autodoc', 'diagrams', 'reference']
extensions += [name for name in ('sphinx_copybutton',) if find_spec(name)]
myst_enable_extensions = ['colon_fence', 'deflist']
myst_heading_anchors = 4
myst_fence_as_directive = ['mermaid']
# Notes for maintainers are read in the repository.
exclude_patterns = ['_ext', 'release']

autodoc_member_order = 'bysource'
autodoc_typehints = 'description'
autodoc_typehints_description_target = 'documented'
# In docstrings, single backticks mark code.
default_role = 'code'

html_theme = 'furo' if find_spec('furo') else 'alabaster'
html_title = f'{project} {version}'
html_static_path = ['_static']
html_css_files = ['tables.css']
html_copy_source = False
html_show_sphinx = False
copybutton_exclude = '.linenos, .gp, .go'
