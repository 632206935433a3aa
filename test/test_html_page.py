# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Pages escape every text, are well-formed, load nothing, and are written atomically."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.html import Page

from edge_trt_ros.html_page import bar, curves, facts_table, picture, table, tag, write_page

HOSTILE = '</td><script>alert("1")</script><img src=x onerror=alert(1)>\'"&amp;'


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    write_page(tmp_path / 'a.html', HOSTILE, tag('p', HOSTILE), tag('p', title=HOSTILE),
               facts_table({HOSTILE: HOSTILE}), table([HOSTILE], [[HOSTILE]]),
               curves({HOSTILE: [(0, 1), (1, 2)], 'b': [(0, 1)]}, [HOSTILE], HOSTILE),
               picture(b'jpeg', HOSTILE))
    page = Page(tmp_path / 'a.html')
    assert 'script' not in page.tags and page.tags.count('img') == 1
    assert page.texts.count(HOSTILE) >= 8
    assert ('alt', HOSTILE) in page.attributes


def test_bars_and_curves_stay_within_their_frames(tmp_path: Path) -> None:
    write_page(tmp_path / 'a.html', 'a', bar(1.7, -0.2), bar(0.0),
               curves({'a': [(0, 0.0), (50, 7.0), (100, 36.0)]}, ['0', '100'], 'ms'),
               curves({'flat': [(0, 0.0)]}, ['0'], 'ms'))
    page = Page(tmp_path / 'a.html')
    assert ('style', 'width: 100.00%') in page.attributes
    assert ('style', 'left: 0.00%') in page.attributes
    # The axis ends at 40, the next round number.
    assert ('points', '0.00,100.00 50.00,82.50 100.00,10.00') in page.attributes
    assert '40 ms' in page.texts and '30' in page.texts


def test_failed_write_leaves_the_old_page(tmp_path: Path) -> None:
    write_page(tmp_path / 'a.html', 'old')
    (tmp_path / 'file').touch()
    with pytest.raises(OSError):
        write_page(tmp_path / 'file' / 'a.html', 'new')
    assert Page(tmp_path / 'a.html').texts == ['old', 'old']
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a.html', 'file']
