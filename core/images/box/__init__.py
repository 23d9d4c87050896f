"""Decoding still pictures in a process that can do nothing else; see ``docs/decisions/0012``."""
