"""Takes jobs from RQ and runs :mod:`core` on a GPU or CPU, one process per slot."""
