# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Fixtures: a network, in memory and in every supported kind of file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope='module')
def network() -> Any:
    import torch
    from support import networks
    torch.manual_seed(1)
    return networks.Classifier(5).eval()


@pytest.fixture(scope='module')
def files(network: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the network in every kind of file."""
    import torch
    folder = tmp_path_factory.mktemp('networks')
    image = torch.rand(1, 3, 32, 64)
    torch.save(network.state_dict(), folder / 'weights.pt')
    torch.save({'epoch': 3, 'model_state_dict': network.state_dict()}, folder / 'checkpoint.pt')
    torch.save(network, folder / 'pickled.pt')
    torch.jit.save(torch.jit.trace(network, image), folder / 'traced.ts')
    torch.export.save(torch.export.export(network, (image,)), folder / 'program.pt2')
    return folder
