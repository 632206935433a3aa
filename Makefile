# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

# Each target creates or updates the environment first (environment/install, under a second if it
# exists). With ROS=kilted behind it, a target uses ROS 2 Kilted's wheels in .venv-kilted.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test pytest test-gpu test-exports test-trained fuzz test-bags test-signals tensorrt-api jetson-wheels train lint docs clean environment

ENTER := . environment/activate
PYTEST := python3 -m pytest -rs -n auto --maxprocesses 4 --dist loadfile

help:  ## list the targets
	@sed -nE 's/^([a-z-]+):.*## /\1\t/p' Makefile | expand -t 14

environment:
	@environment/install

demo: environment  ## watch the nodes detect objects in a synthetic camera stream
	@$(ENTER) && exec python3 -m edge_trt_ros demo

# Run all three even if one fails; any failure fails the target.
test: environment  ## lint, types, and every test; lists the skipped ones with their reasons
	@$(ENTER) || exit 1; status=0; \
	echo 'flake8 ...'; python3 -m flake8 || status=1; \
	echo 'mypy ...'; python3 -m mypy || status=1; \
	$(PYTEST) || status=1; \
	exit $$status

pytest: environment  ## only the tests, as `make test` runs them
	@$(ENTER) && exec $(PYTEST)

test-gpu: environment  ## the tests that need an NVIDIA GPU; writes gpu_report.json, which you can send
	@$(ENTER) && exec python3 -m pytest -rs -m gpu -p support.gpu_report

# Atheris has wheels for x86-64 only; without it the inputs come from hypothesis alone.
fuzz: environment  ## 10,000 random inputs for each reader of files and messages, some minutes
	@$(ENTER) && { python3 -m pip install --quiet --disable-pip-version-check --no-deps \
	  -r environment/requirements-fuzz.txt || true; } \
	  && PYTHONPATH=test:$$PYTHONPATH exec nice python3 -m support.fuzz

# Ultralytics (AGPL-3.0) is no dependency; without it the target says so.
test-trained: environment  ## train a YOLOv8n and a classifier, and break their engines (needs Ultralytics)
	@$(ENTER) && python3 -m edge_trt_ros.benchmark.gate.train --output demo_output/trained \
	  && TRAINED_NETWORKS=$$PWD/demo_output/trained \
	  python3 -m pytest -rs -s test/exports/test_trained_networks.py \
	  && python3 -m edge_trt_ros.benchmark.gate.int8_loss \
	  edge_trt_ros/demo/detector/road_users.onnx demo_output/trained/yolov8n_road.onnx \
	  && exec python3 -m edge_trt_ros.benchmark.gate --tasks --onnx demo_output/trained/*.onnx

# The exporters have an environment of their own; it takes 8 GB with PyTorch.
test-exports: environment  ## compare exports of real exporters with their own predictors
	@test -x .venv-exports/bin/python3 || python3 -m venv .venv-exports
	@.venv-exports/bin/python3 -m pip install --quiet --disable-pip-version-check \
	  -r environment/requirements-exports.txt
	@$(ENTER) && EXPORTERS_PYTHON=$$PWD/.venv-exports/bin/python3 \
	  exec python3 -m pytest -rs test/exports

lint: environment  ## style, types, spelling and plain words
	@$(ENTER) || exit 1; status=0; python3 -m flake8 || status=1; python3 -m mypy || status=1; \
	python3 -m pytest -q test/doc/test_prose.py || status=1; exit $$status

docs: environment  ## build the documentation into build/docs and check its links
	@$(ENTER) && python3 -m pip install --quiet --disable-pip-version-check --no-deps \
	  -r environment/requirements-docs.txt \
	  && python3 -m sphinx -W --keep-going -q -j auto -d build/doctrees doc build/docs \
	  && python3 doc/check_links.py build/docs && echo 'open build/docs/index.html'

test-bags: environment  ## kill runs over bags at 40 random moments, and compare what the next run writes
	@$(ENTER) && EDGE_TRT_ROS_KILLS=40 python3 -m pytest -rs test/ros/bags/test_interrupted_runs.py

test-signals: environment  ## terminate nodes and a command at 40 moments of their start
	@$(ENTER) && EDGE_TRT_ROS_SIGNALS=40 python3 -m pytest -rs test/cli/test_termination.py test/ros/node/test_process_start.py

tensorrt-api: environment  ## read the interfaces of TensorRT's versions again, for the tests (needs gcc)
	@$(ENTER) && PYTHONPATH=test:$$PYTHONPATH python3 -m support.tensorrt_api.read_wheels

jetson-wheels: environment  ## ask pip for the wheels of all libraries for a Jetson (needs the network)
	@$(ENTER) && JETSON_WHEELS=1 exec python3 -m pytest -rs -s test/test_jetson_wheels.py

train: environment  ## train the demo's detector again, on the CPU (installs PyTorch)
	@$(ENTER) && python3 -m pip install --quiet --disable-pip-version-check \
	  -r environment/requirements-train.txt && exec python3 -m edge_trt_ros.demo.detector.train --output demo_output/training

clean:  ## remove the environment and everything that the targets created
	rm -rf .venv .venv-kilted .venv-triton .venv-exports .pytest_cache .mypy_cache .hypothesis demo_output build install log
	find edge_trt_ros launch test doc environment -name __pycache__ -type d -prune -exec rm -rf {} +
