"""Tells whoever asked for it that a job has ended: signed, retried, and never into our network."""
