"""The detector that comes with the package, trained on the synthetic road by `train.py`."""

from __future__ import annotations

from pathlib import Path

MODEL_PATH = Path(__file__).with_name('road_users.onnx')
# Where its recall and precision meet; lower ones show more and err more.
CONFIDENCE = 0.3
