"""Names that models and macros use and sqlfluff's Jinja does not know; they stand for valid SQL.

sqlfluff renders each model with the project's own macros. Engine implementations are left out: a dispatch macro
gives a name, or, where it follows a relation, a join.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from jinja2.runtime import Macro

_JOINS = {"unnest_json_array", "unnest_json_array_ordered", "unnest_split", "lateral_unnest"}


class _Anything:
    """Stands for objects of dbt: every attribute, call and item is again one; iterates over nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self

    def __getitem__(self, _: Any) -> Any:
        return self

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __str__(self) -> str:
        return "anything"


class _Adapter(_Anything):
    def dispatch(self, name: str, _: str = "cx") -> Callable[..., str]:
        """A call of a macro as SQL."""
        if name in _JOINS:
            return lambda text, *arguments: f"cross join {arguments[-2]} as {arguments[-2]}"
        return lambda *arguments, **_: f"{name}(1)"


class _Return(Exception):
    """What a macro gives back, as in dbt: the value itself, and nothing after it is run."""


def _return(value: Any) -> None:
    raise _Return(value)


_invoke = Macro._invoke


def _invoke_until_return(self: Macro, *arguments: Any) -> Any:
    try:
        return _invoke(self, *arguments)
    except _Return as result:
        return result.args[0]


Macro._invoke = _invoke_until_return  # type: ignore[method-assign]

_PROJECT = Path("dbt_project", "dbt_project.yml")  # sqlfluff runs at the root of the repository
_VARS = yaml.safe_load(_PROJECT.read_text(encoding="utf-8"))["vars"]

adapter = _Adapter()
api = exceptions = flags = graph = model = target = this = _Anything()
execute = False


def ref(*names: str) -> str:
    """The model's own name."""
    return names[-1]


def source(_: str, table: str) -> str:
    """The table's own name."""
    return table


def var(name: str, default: Any = None) -> Any:
    """A variable as the project sets it: an empty company."""
    return _VARS.get(name, graph if default is None else default)


def config(*_: Any, **__: Any) -> str:
    """Configuration is no SQL."""
    return ""


def is_incremental() -> bool:
    """The first build."""
    return False


project_name = "cx"
globals()["return"] = _return
