"""Runs engines: one contract (`contract.py`) and a back end per kind of device."""
