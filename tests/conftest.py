"""Fixtures that every test may use; array shapes in signatures are checked while tests run."""

from jaxtyping import install_import_hook

install_import_hook(["core"], "beartype.beartype")
