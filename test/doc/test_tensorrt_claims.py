# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""No page claims something of TensorRT 10 or 11 without saying how it is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
import re

import pytest

from edge_trt_ros.what_ran import WORDS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / 'README.md', *(ROOT / 'doc').rglob('*.md')])
_SUBJECT = re.compile(r'TensorRT 1[01]\b')
_KNOWN = re.compile('|'.join(rf'\b{word}\b' for word in WORDS), re.IGNORECASE)
# Lists and tables are one claim each, with the sentence that introduces them.
_LIST = re.compile(r'[-*|0-9:]')


def claims(text: str) -> Iterator[str]:
    """Yield the paragraphs of a page; a list or table is part of the paragraph before it."""
    text = re.sub(r'(?ms)^ *```.*?^ *```', '', text)
    text = re.sub(r'\[[^\]]*\]\([^)]*\)', '', text)  # the title of a page is no claim
    claim = ''
    for paragraph in re.split(r'\n\s*\n', text):
        if _LIST.match(paragraph.strip()) and claim:
            claim += f'\n\n{paragraph}'
            continue
        yield claim
        claim = '' if paragraph.startswith('#') else paragraph
    yield claim


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_claims_say_how_they_are_known(page: Path) -> None:
    text = page.read_text(encoding='utf-8')
    unsaid = [claim for claim in claims(text) if _SUBJECT.search(claim)
              and not _KNOWN.search(claim)]
    assert unsaid == [], f'say in {page.name} which of {WORDS} it is'


def test_claim_without_a_word_is_found() -> None:
    text = '# Title of TensorRT 10\n\nTensorRT 11 does it.\n\n- one\n- two\n\nOther.\n'
    assert [claim for claim in claims(text) if _SUBJECT.search(claim)] == [
        'TensorRT 11 does it.\n\n- one\n- two']
