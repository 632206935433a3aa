"""Runs engines: one contract (`contract.py`), a back end for each kind of device."""
