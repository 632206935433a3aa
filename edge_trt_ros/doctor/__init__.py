# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Finds out what this machine has for the package, and what is missing for what.

`registry.CHECKS` lists the checks. Each check is a function in `checks/` that reads the
surroundings and yields findings. This layer imports only the standard library, so that it runs on
a machine where everything else is missing; libraries are imported by a child process, since a
broken one may abort the process that imports it.
"""
