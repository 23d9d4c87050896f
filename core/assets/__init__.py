"""Files fetched from public packages: what, from where, verified how, assembled into bundles."""
