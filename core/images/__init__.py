"""Still pictures in, upright RGB out."""
