"""The packages that only exporting and ONNX Runtime need, and that need not be installed."""

from importlib import import_module
from types import ModuleType

from core.errors import ExtraMissing


def optional(name: str) -> ModuleType:
    """Import a package of the extra ``export``.

    Raises:
        ExtraMissing: it is not installed; says how to install it.
    """
    try:
        return import_module(name)
    except ImportError:
        raise ExtraMissing(
            f"ONNX needs the package {name}, which is optional: pip install 'poselift[export]'. "
            "TorchScript, and lifting by torch, do without."
        ) from None
