# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Pages, messages and descriptions use plain words, are spelled well and easy to read."""

from __future__ import annotations

from pathlib import Path
import re
from statistics import median
import subprocess
import sys
import warnings

import pytest
from support.prose import messages, pages, prose, ROOT, sentences

with warnings.catch_warnings():
    warnings.simplefilter('ignore')  # textstat imports pkg_resources
    import textstat

# What to write in their place: CONTRIBUTING.md, "Plain words".
PATTERNS = {
    'whether ... or, if any': r'\b(whatever|whichever|whoever)\b',
    'recognise': r'\b(is|are|be|was|were) told (from|apart)\b|\btells? .{1,40} from\b',
    'next to, besides, in addition to': r'\bbeside\b',
    'fix, repair': r'\bmend(s|ed|ing)?\b',
    'falls back to': r'\bgoes on through\b',
    'drop': r'\bgives? way\b|\bforgotten\b',
    'stable error code': r'\bcodes? that stays?\b',
    'persistent track IDs': r'\bids that last\b',
    'atomic': r'\bsees? the old\b',
    'at most, maximum, minimum': r'\b(the|of) (most|least) (of|that)\b|\ba most\b',
    'returns, contains': r'\blets? go\b|\bbears?\b',
    'no comma before "too"': r', too\b(?!,)',
    'compound nouns': r'\bengines of TensorRT\b|\bdetectors of torchvision\b',
    'name the subject': r'(^|[.:] )What (is|are) not \w+ (is|are)\b'}
READ_EASILY = [ROOT / 'README.md', *sorted((ROOT / 'doc' / 'tutorials').glob('[!i]*.md')),
               ROOT / 'doc' / 'tutorials' / 'int8_with_a_bag.md']
each_easy_page = pytest.mark.parametrize('path', READ_EASILY, ids=lambda path: path.name)


def signs(text: str) -> list[str]:
    """Return what to write in place of each pattern that occurs in a text, and where it is."""
    return [f'{better}: ...{text[max(match.start() - 30, 0):match.end() + 30]!r}...'
            for better, pattern in PATTERNS.items() for match in re.finditer(pattern, text)]


@pytest.mark.parametrize('path', pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_use_plain_words(path: Path) -> None:
    assert signs(prose(path.read_text(encoding='utf-8'))) == []


def test_messages_and_descriptions_use_plain_words() -> None:
    found = list(messages())
    assert len(found) > 500
    assert [(place, sign) for place, text in found for sign in signs(text)] == []


def test_patterns_are_found() -> None:
    for text in ('beside it', 'What is not known is refused', 'mend it', 'it works, too.',
                 'it is told from its shape'):
        assert len(signs(text)) == 1, text
    assert signs('next to it; recommended; too late') == []


def test_spelling() -> None:
    listed = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others',
                             '--exclude-standard'], cwd=ROOT, capture_output=True, text=True,
                            check=True).stdout.split('\0')
    files = [name for name in listed if name and (ROOT / name).is_file()
             and Path(name).suffix in ('.md', '.rst', '.py', '.yaml', '.yml', '.xml', '.cu',
                                       '.cfg', '.txt', '.toml')]
    done = subprocess.run([sys.executable, '-m', 'codespell_lib', *files], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@each_easy_page
def test_reading_ease(path: Path) -> None:
    text = ' '.join(sentences(prose(path.read_text(encoding='utf-8'))))
    assert len(text.split()) > 60
    assert textstat.flesch_reading_ease(text) >= 50


@each_easy_page
def test_sentences_are_short(path: Path) -> None:
    found = sentences(prose(path.read_text(encoding='utf-8')))
    assert median(len(sentence.split()) for sentence in found) <= 20
