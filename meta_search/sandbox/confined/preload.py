"""What the zygote loads before it forks: the runtime, and all modules that agents may import."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import types
from collections.abc import Callable
from typing import Any

__all__ = ["load_runtime", "preload"]

# Agents may import these though the interpreter's folder cannot be read after the change of uid.
PRELOADED = """
abc argparse array ast base64 binascii bisect calendar cmath codecs collections.abc colorsys
concurrent.futures.thread configparser contextlib contextvars copy csv ctypes dataclasses datetime decimal
difflib dis enum errno fnmatch fractions functools gc glob graphlib hashlib heapq hmac html html.entities
html.parser inspect io ipaddress itertools json keyword linecache locale logging lzma math numbers opcode
operator os pathlib pickle platform pprint queue random re reprlib sched secrets select shlex shutil signal
socket stat statistics string stringprep struct subprocess symtable tempfile textwrap threading time timeit
token tokenize traceback types typing unicodedata urllib.parse uuid warnings weakref xml.etree.ElementTree
zlib zoneinfo _strptime encodings.ascii encodings.cp1252 encodings.hex_codec encodings.idna
encodings.latin_1 encodings.raw_unicode_escape encodings.rot_13 encodings.unicode_escape encodings.utf_16
"""
NUMPY = "numpy numpy.linalg numpy.fft numpy.random numpy.polynomial numpy.ma numpy.lib.stride_tricks"


def load_runtime(folder: str | None) -> Callable[..., Any]:
    """Load a folder as the package `agent`.

    Args:
        folder: The folder; `None` for a zygote that only tests its layers.

    Returns:
        `agent.runtime.run_item`.
    """
    if folder is None:
        return _no_runtime
    init = os.path.join(folder, "__init__.py")
    if os.path.exists(init):
        spec = importlib.util.spec_from_file_location("agent", init, submodule_search_locations=[folder])
        assert spec is not None
        assert spec.loader is not None
        package = importlib.util.module_from_spec(spec)
        sys.modules["agent"] = package
        spec.loader.exec_module(package)
    else:
        package = types.ModuleType("agent")
        package.__path__ = [folder]
        sys.modules["agent"] = package
    runtime = importlib.import_module("agent.runtime")
    preload = getattr(runtime, "preload", None)
    if preload is not None:
        preload()
    run: Callable[..., Any] = runtime.run_item
    return run


def preload(packages: str | None) -> None:
    """Import what agents may use.

    Args:
        packages: Folder that contains NumPy; on the import path only while NumPy is loaded.
    """
    for name in PRELOADED.split():
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    if packages:
        sys.path.append(packages)
        for name in NUMPY.split():
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        sys.path.remove(packages)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)


def _no_runtime(*_: object) -> dict[str, Any]:
    raise RuntimeError("this sandbox was started without a runtime")
