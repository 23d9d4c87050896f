"""Measurements that back what we claim; ``python -m benchmarks [NAME...]`` runs them.

Each benchmark is a module with ``measure() -> Measurement``. What is committed and compared are
ratios: they travel between machines, seconds do not.
"""
