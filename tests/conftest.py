"""Fixtures that every test may use; array shapes in signatures are checked while tests run."""

from jaxtyping import install_import_hook

import tests.shape_checks  # noqa: F401  the hook finds it by name

install_import_hook(["core"], "tests.shape_checks.checked")

pytest_plugins = ["tests.asset_fixtures", "tests.store_fixtures"]
