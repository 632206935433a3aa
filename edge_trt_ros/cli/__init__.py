"""The executables: one file with a `main` for each."""
