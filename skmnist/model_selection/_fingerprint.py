"""Describe a search, so that a resumed one is recognized and a different one is rejected.

`joblib.hash` alone is not sufficient: it cannot hash lambdas or local functions, and it hashes
scorers and functions by name, so that a changed function would go unnoticed.
"""

import enum
import functools
import sysconfig
import types
from collections.abc import Mapping
from contextlib import suppress
from pathlib import PurePath
from typing import Any

import joblib
import numpy as np
import pandas as pd

_PLAIN = (bool, int, float, complex, str, bytes, np.generic, np.dtype, PurePath, range, slice)
_INSTALLED = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))
_DEPTH = 12  # levels of nested objects; anything deeper is described by its class


def describe(value: Any) -> Any:
    """Describe a value as JSON; as far as possible, different values have different descriptions.

    Parameters
    ----------
    value : object
        Functions are described by their code, defaults and closure, and by the constants and
        functions of their module that they use; classes, and functions of installed packages, by
        name; estimators and other objects by class and parameters or attributes.

    Returns
    -------
    description : str, list or dict
        Equal in every process that has the same versions of Python and of the packages.
    """
    return _describe(value, ())


def describe_rows(rows: Any) -> Any:
    """Describe rows or labels by values and names, independently of their memory layout."""
    if isinstance(rows, pd.DataFrame | pd.Series):
        frame = rows if isinstance(rows, pd.DataFrame) else rows.to_frame()
        names = repr([list(frame.columns), list(frame.dtypes)])
        with suppress(TypeError):  # unhashable values, such as lists
            return [names, joblib.hash(pd.util.hash_pandas_object(frame, index=False).values)]
    if isinstance(rows, list | tuple | np.ndarray):
        with suppress(ValueError):  # ragged lists
            return joblib.hash(np.ascontiguousarray(rows))
    return joblib.hash(rows)


def _describe(value: Any, outer: tuple[Any, ...]) -> Any:
    if value is None or isinstance(value, _PLAIN):
        return repr(value)
    if len(outer) > _DEPTH or any(value is each for each in outer):
        return type(value).__qualname__
    inside = (*outer, value)
    if isinstance(value, list | tuple):
        return [_describe(item, inside) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((_describe(item, inside) for item in value), key=repr)
    if isinstance(value, Mapping):
        return {str(key): _describe(item, inside) for key, item in value.items()}
    if isinstance(value, functools.partial):
        parts = (value.func, value.args, value.keywords)
        return ["partial", *(_describe(part, inside) for part in parts)]
    if isinstance(value, types.MethodType):
        return [_name(value), _describe(value.__self__, inside)]
    if isinstance(value, types.FunctionType):
        return _describe_function(value, inside)
    if isinstance(value, types.CodeType):
        return _describe_code(value, inside)
    if isinstance(value, enum.Enum):
        return f"{_name(type(value))}.{value.name}"
    if hasattr(value, "__qualname__"):
        return _name(value)
    return _describe_object(value, inside)


def _describe_function(function: types.FunctionType, outer: tuple[Any, ...]) -> Any:
    if function.__code__.co_filename.startswith(_INSTALLED):
        return _name(function)  # updating a package does not change a search
    closed = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
    used = {
        name: function.__globals__[name]
        for name in sorted(_names(function.__code__) & set(function.__globals__))
        if _is_constant(function.__globals__[name], function.__module__)
    }
    parts = (function.__code__, function.__defaults__, function.__kwdefaults__, closed, used)
    return [_name(function), *(_describe(part, outer) for part in parts)]


def _describe_code(code: types.CodeType, outer: tuple[Any, ...]) -> Any:
    names = [code.co_names, code.co_varnames, code.co_freevars]
    return [code.co_code.hex(), repr(names), _describe(code.co_consts, outer)]


def _describe_object(value: Any, outer: tuple[Any, ...]) -> Any:
    if isinstance(value, np.ndarray) and value.dtype != object:
        return joblib.hash(value)
    if hasattr(value, "get_params"):
        return [_name(type(value)), _describe(value.get_params(deep=False), outer)]
    if hasattr(value, "get_config"):  # Keras's objects
        return [_name(type(value)), _describe(value.get_config(), outer)]
    if hasattr(value, "dist") and hasattr(value, "kwds"):  # a frozen distribution of scipy
        made_of = [getattr(value.dist, name, None) for name in ("xk", "pk", "_histogram")]
        return [value.dist.name, _describe([value.args, value.kwds, made_of], outer)]
    is_data = type(value).__module__.split(".")[0] in ("numpy", "pandas", "scipy")
    if hasattr(value, "__dict__") and not is_data:
        return [_name(type(value)), _describe(vars(value), outer)]
    with suppress(Exception):  # pickling can raise anything
        return [_name(type(value)), joblib.hash(value)]
    return _name(type(value))


def _name(value: Any) -> str:
    return f"{value.__module__}.{value.__qualname__}"


def _names(code: types.CodeType) -> set[str]:
    """Return the names that a function looks up, including those of nested functions."""
    inner = [_names(each) for each in code.co_consts if isinstance(each, types.CodeType)]
    return set(code.co_names).union(*inner)


def _is_constant(value: Any, module: str) -> bool:
    """Return whether a global is a constant, or a function of the same module.

    Other objects may change while the program runs; the search would then not find its own study.
    """
    if isinstance(value, tuple | frozenset | list | set):
        return all(_is_constant(item, module) for item in value)
    if isinstance(value, dict):
        return all(_is_constant(item, module) for item in value.values())
    if isinstance(value, types.FunctionType):
        return value.__module__ == module
    return value is None or isinstance(value, _PLAIN)


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - raises if the cell is empty
    except ValueError:
        return False
    return True
