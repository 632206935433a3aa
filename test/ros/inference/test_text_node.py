# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The inference node with a text classifier, over DDS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from std_msgs.msg import String
from support.graph import graph
from vision_msgs.msg import Classification

pytest.importorskip('tokenizers', reason='texts are read by the package tokenizers')

from support.text_models import expected_scores, LABELS, save_text_model  # noqa: E402, I100

from edge_trt_ros.convert.build import build_engine  # noqa: E402
from edge_trt_ros.convert.options import BuildOptions  # noqa: E402
from edge_trt_ros.ros.inference.node import InferenceNode  # noqa: E402


def test_every_text_is_classified(tmp_path: Path) -> None:
    build_engine(save_text_model(tmp_path), tmp_path / 'm.engine',
                 BuildOptions(backend='onnxruntime', input_shape=(1, 12)))
    texts = {'stop now': [2, 4, 8, 3], 'go': [2, 5, 3], 'left': [2, 6, 3], 'right': [2, 7, 3]}
    with graph() as ros:
        node = ros.add(InferenceNode, engine_file_path=str(tmp_path / 'm.engine'), top_k=1)
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        found: list[Any] = []
        ros.peer.create_subscription(Classification, 'classification', found.append, 10)
        publisher = ros.peer.create_publisher(String, 'text', 10)
        ros.until(lambda: publisher.get_subscription_count()
                  and ros.peer.count_publishers('classification'))
        ros.spin(0.5)
        for text in texts:  # all at once: unlike images, waiting texts are not dropped
            publisher.publish(String(data=text))
        ros.until(lambda: len(found) == len(texts))
        for message, ids in zip(found, texts.values()):
            expected = expected_scores(ids)
            assert message.results[0].class_id == LABELS[int(expected.argmax())]
            assert message.results[0].score == pytest.approx(expected.max(), abs=1e-4)
            assert message.header.stamp.sec > 0
