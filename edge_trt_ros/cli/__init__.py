"""One thin file for each executable; each has a `main`."""
