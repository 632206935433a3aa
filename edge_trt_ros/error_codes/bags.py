# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The codes of bags and archives of bags."""

from __future__ import annotations

from edge_trt_ros.error_codes.error_code import ErrorCode

BAGS = {
    'bag_missing': ErrorCode(
        'There is no bag at this path.', 'Correct the path; a glob needs quotes.'),
    'bag_damaged': ErrorCode(
        'The bag is truncated or damaged, or is no bag.',
        '`ros2 bag reindex` repairs a bag whose recording was cut short. Other bags are done.'),
    'bag_without_images': ErrorCode(
        'The bag has no messages that the network reads.',
        'Record the images, or leave this bag out. Other bags are done.'),
    'bag_topic_ambiguous': ErrorCode(
        'The bag has images on several topics.', 'Choose one of them with `--topic`.'),
    'bag_topic_missing': ErrorCode(
        'The bag has no images on the given topic.', 'Choose a topic that the message lists.'),
    'bag_topic_taken': ErrorCode(
        'The bag has a topic with the name of a result.',
        'Give a `--namespace`, or `--detections-only`.'),
    'bag_namespace': ErrorCode(
        'The namespace of the results is not a valid name.', 'Write it as /camera/front.'),
    'bag_images_broken': ErrorCode(
        'None of the images in the bag can be decoded.',
        'The message contains the reason for the first image.'),
    'bag_exists': ErrorCode(
        'The bag to write exists, and is the result of another bag, engine or option.',
        'Remove it, or choose another folder.'),
    'bag_in_use': ErrorCode(
        'Another process is writing this bag.', 'Wait until it ends.'),
    'bag_not_written': ErrorCode(
        'The bag cannot be written: the disk is full, or the folder is read-only.',
        'Make room or correct the permissions, and run the command again. Finished bags are '
        'kept.'),
    'bag_process_lost': ErrorCode(
        'A process ended while it worked on the bag.',
        'Use fewer `--workers` if memory is short. Otherwise check the bag.'),
    'bag_names_collide': ErrorCode(
        'Two bags of the archive would be written to the same folder.',
        'Rename one of them, or run the command for each.'),
    'cluster_unreachable': ErrorCode(
        'There is no Dask scheduler at the address, or it has no workers.',
        'Start `dask scheduler` and `dask worker`, or correct `--scheduler`.'),
}
