"""A process that can do nothing but what it is for; see ``docs/decisions/0012``."""
