# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Exports of real exporters, with the results of their own predictors.

These modules run in the exporters' interpreter, which has none of this package's libraries:
`python -m support.exporters.run EXPORTER FOLDER` writes a folder for each case of `cases.py`.
"""
