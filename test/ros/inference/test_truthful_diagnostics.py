# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Diagnostics alarm when something is wrong, and only then."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
import pytest
from rclpy.parameter import Parameter
from rclpy.qos import QoSPresetProfiles
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from support.graph import Graph

from edge_trt_ros.ros.inference.losses import TransportLosses
from edge_trt_ros.ros.inference.node import InferenceNode

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


@pytest.mark.parametrize('numbers, lost', [
    ([], 0), ([5], 0), ([5, 6, 7], 0), ([5, 9], 3), ([5, 9, 10, 12], 4),
    ([500, 1, 2], 0),  # the camera driver restarted
    ([None, None], 0),  # a middleware that numbers no messages
])
def test_gaps_of_sequence_numbers_are_losses(numbers: list[int | None], lost: int) -> None:
    losses = TransportLosses()
    losses.matched(1)
    for number in numbers:
        losses.arrived(number)
    assert losses.taken() == lost and losses.taken() == 0


def test_several_publishers_are_not_taken_for_losses() -> None:
    losses = TransportLosses()
    losses.matched(1)
    losses.arrived(100)
    losses.matched(2)
    for number in (1, 101, 2, 102, 900, 3):
        losses.arrived(number)
    losses.matched(1)
    losses.arrived(950)
    assert losses.taken() == 0


def value_of(status: DiagnosticStatus, key: str) -> str:
    return next(entry.value for entry in status.values if entry.key == key)


def test_pauses_clock_steps_and_restarts_of_the_camera_are_no_losses(
        ros: Graph, active_node: Callable[..., InferenceNode]) -> None:
    node = active_node()
    stamps = [*range(1, 20), 20_000, 20_001, 3, 4, 5, 900, 905, 906]
    counts, sent, gone = node._stream.cameras[''].figures.counts, 0, 0
    for restart in range(2):
        for stamp in stamps:
            message = ros.send()
            message.header.stamp = Time(sec=1_700_000_000 + stamp)
            ros.images.publish(message)
            sent += 2
            deadline = monotonic() + 5
            while counts['received'] < sent and monotonic() < deadline:
                ros.spin(0.01)  # or the queue would overflow
            # A loaded machine really loses images of a best-effort publisher now and then.
            gone, sent = gone + sent - counts['received'], counts['received']
        if not restart:
            ros.spin(1.2)
            ros.peer.destroy_publisher(ros.images)
            ros.images = ros.peer.create_publisher(
                Image, 'image', QoSPresetProfiles.SENSOR_DATA.value)
    ros.spin(1.2)
    assert counts['lost_in_transport'] <= gone < 5


def test_images_that_do_not_arrive_are_counted_and_reported(
        ros: Graph, next_status: Any, active_node: Callable[..., InferenceNode]) -> None:
    node = active_node()
    ros.answer()
    message = ros.send()
    for _ in range(50):  # the subscription queues five images while nobody spins
        ros.images.publish(message)
    status = next_status(lambda status: 'lost in transport' in status.message)
    assert status.level == WARN and 'Fast DDS profile' in status.message
    lost = int(value_of(status, 'lost_in_transport'))
    assert 40 <= lost <= 50 and lost + node._stream.cameras[''].figures.counts['received'] == 52


def test_a_node_that_drops_every_image_for_its_age_reports_an_error(
        ros: Graph, next_status: Any, active_node: Callable[..., InferenceNode]) -> None:
    active_node(max_frame_age_ms=50.0)
    message = ros.send()
    message.header.stamp.sec -= 7
    ros.images.publish(message)
    status = next_status(lambda status: 'older than' in status.message)
    if status.level == WARN:  # the first image was in time, in the same second
        ros.images.publish(message)
        status = next_status(lambda status: status.message.startswith('no results'))
    assert status.level == ERROR and '(50 ms), the last one ' in status.message


@pytest.fixture()
def clock(ros: Graph) -> Callable[[float], None]:
    publisher = ros.peer.create_publisher(Clock, '/clock', 10)

    def set_to(seconds: float) -> None:
        ros.until(publisher.get_subscription_count)
        for _ in range(3):
            publisher.publish(Clock(clock=Time(sec=int(seconds))))
            ros.spin(0.05)
    return set_to


def test_diagnostics_and_rates_go_on_while_the_clock_stands_and_jumps(
        ros: Graph, next_status: Any, active_node: Callable[..., InferenceNode],
        clock: Callable[[float], None]) -> None:
    node = active_node(use_sim_time=True)
    clock(1000.0)
    next_status(lambda status: 'no images' in status.message)
    for time in (1000.0, 1e6, 20.0):
        clock(time)
        for _ in range(6):
            ros.answer()
        rates = node._stream.cameras[''].figures.rates_hz()
        assert rates['image_rate_hz'] > 1 and rates['detection_rate_hz'] > 1, time
    status = next_status(lambda status: 'results per second' in status.message)
    assert status.level == OK and value_of(status, 'lost_in_transport') == '0'


def test_autostart_needs_no_clock(ros: Graph, engine: Any) -> None:
    node = ros.add(InferenceNode, engine_file_path=str(engine), autostart=True)
    assert node.set_parameters([Parameter('use_sim_time', value=True)])[0].successful
    ros.until(lambda: node.state_label == 'active', 10)
