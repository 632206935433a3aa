"""How good a network is: average precision, labelled images, the accuracy report."""
