# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Every error code that the code raises is explained, and every explained code is raised."""

from __future__ import annotations

import ast
from pathlib import Path
import re

from edge_trt_ros import errors
from edge_trt_ros.error_codes import ERROR_CODES
from edge_trt_ros.optional_libraries import missing_code, OPTIONAL_LIBRARIES

PACKAGE = Path(__file__).resolve().parent.parent / 'edge_trt_ros'


def raised_codes() -> set[str]:
    """Return the codes of the error classes, and those that are given to one as a literal."""
    found = {kind.code for kind in vars(errors).values()
             if isinstance(kind, type) and issubclass(kind, errors.EdgeTrtError)}
    found |= {missing_code(name) for name in OPTIONAL_LIBRARIES}
    for path in PACKAGE.rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Call) and re.search(r'(Error|refused|rejected)$',
                                                        ast.unparse(node.func)):
                given = [*node.args[1:2], *(
                    keyword.value for keyword in node.keywords if keyword.arg == 'code')]
                found |= {value.value for value in given if isinstance(value, ast.Constant)
                          and isinstance(value.value, str) and value.value.isidentifier()}
            elif isinstance(node, ast.ClassDef):
                found |= {line.value.value for line in node.body
                          if isinstance(line, ast.Assign) and ast.unparse(
                              line.targets[0]) == 'code' and isinstance(line.value, ast.Constant)}
    return found


def literals() -> set[str]:
    """Return every literal of the package outside of the registry."""
    return {node.value for path in PACKAGE.rglob('*.py') if path.parent.name != 'error_codes'
            for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_raised_code_is_explained() -> None:
    raised = raised_codes()
    assert len(raised) > 40
    assert sorted(raised - set(ERROR_CODES)) == []


def test_every_explained_code_is_raised() -> None:
    assert sorted(set(ERROR_CODES) - raised_codes() - literals()) == []


def test_explanations_are_sentences() -> None:
    for code, explained in ERROR_CODES.items():
        assert re.fullmatch('[a-z0-9]+(_[a-z0-9]+)*', code)
        assert all(re.fullmatch(r'.*[.]', text) for text in (
            explained.cause, explained.remedy)), code
