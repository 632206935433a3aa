"""Measure the accuracy of a network: average precision, labelled images, accuracy report."""
