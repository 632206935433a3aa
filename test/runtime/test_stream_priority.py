# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The work of a network has the priority on the GPU that it was opened with."""

from __future__ import annotations

import pytest
from support.gpu import GPU_MARKS

pytestmark = GPU_MARKS


@pytest.mark.parametrize('name', ['high', 'low'])
def test_priority_of_a_stream(name: str) -> None:
    driver = pytest.importorskip('cuda.bindings.driver', reason='cuda-bindings is not installed')
    from edge_trt_ros.runtime.cuda.session import CudaSession
    session = CudaSession(0, name)
    with session.current():
        result, priority = driver.cuStreamGetPriority(driver.CUstream(session.stream.handle))
        _, lowest, highest = driver.cuCtxGetStreamPriorityRange()
    session.close()
    # A smaller number is a higher priority.
    assert int(result) == 0 and highest < lowest
    assert priority == {'high': highest, 'low': lowest}[name]
