# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Renders Mermaid diagrams to SVG while the documentation is built: pages need no script."""

from __future__ import annotations

import hashlib
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

try:
    import mermaidx
except ImportError:  # rosdoc2: the diagram is then shown as its source
    mermaidx = None


class Mermaid(Directive):
    """A fenced block of the language `mermaid`, as GitHub renders it as well."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the diagram as an inline SVG in a frame that scrolls on a narrow screen."""
        source = '\n'.join(self.content)
        if mermaidx is None:
            return [nodes.literal_block(source, source)]
        # Every rule of the SVG's style starts with its ID, which must be unique in a page.
        name = 'diagram-' + hashlib.sha256(source.encode()).hexdigest()[:8]
        svg = mermaidx.render(source).svg().replace('my-svg', name)
        return [nodes.raw('', f'<div class="diagram">{svg}</div>', format='html')]


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive."""
    app.add_directive('mermaid', Mermaid)
    return {'version': '1', 'parallel_read_safe': True, 'parallel_write_safe': True}
