"""Video files in, upright RGB pictures with true times out."""
