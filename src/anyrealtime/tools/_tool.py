"""A function as a tool: what the model is told of it, and how it is called.

Nothing runs here: no event loop, no threads. Running is `_runtime/_tool_runner.py`'s.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import (
    Any,
    Concatenate,
    Final,
    Generic,
    Literal,
    ParamSpec,
    TypeAlias,
    TypeVar,
    overload,
)

from anyrealtime.errors import ConfigurationError
from anyrealtime.events import FunctionTool
from anyrealtime.tools._context import ToolContext
from anyrealtime.tools._docstring import Descriptions, read_docstring
from anyrealtime.tools._parameters import Arguments, Parameters, RawParameters, SignatureParameters

P = ParamSpec("P")
R = TypeVar("R")
Q = ParamSpec("Q")

OnError: TypeAlias = Literal["tell", "raise"]

_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")  # what OpenAI takes


class Tool(Generic[P, R]):
    """A function that a model may call. It can be called like the function itself, too.

    In a class it is a method: `Home().light` is the tool that is bound to that home.

    The schema is made when it is first needed, so that a function may name types which are
    defined below it.

    Args:
        function: sync or async. A sync one is run in a worker thread, so that it may block.
        name: for the model; by default the function's.
        description: for the model; by default what the function's docstring says.
        parameters: JSON schema, in place of the signature's. The function then gets what the
            model gave by keyword, and checks it itself.
        timeout: seconds after which the model is told that it took too long; None sets none.
        needs_approval: whether the `approve=` handler is asked before each call.
        cancel_on_interrupt: whether a call is cancelled when the user begins to speak, or when
            the response that waits for it is left.
        abandon_on_cancel: whether the worker thread of a sync function may be left behind, to
            come to its end by itself. Otherwise the block in which tools run waits for it.
        on_error: "tell" tells the model what the function raised; "raise" does so, too, and
            raises it out of the block in which tools run. None leaves it to the block.

    Raises:
        ConfigurationError: an argument is wrong.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        needs_approval: bool = False,
        cancel_on_interrupt: bool = False,
        abandon_on_cancel: bool = False,
        on_error: OnError | None = None,
    ) -> None:
        if not callable(function):
            raise ConfigurationError(f"a tool is made of a function, not {function!r}")
        if name is None:
            name = getattr(function, "__name__", None)
            if name is None:
                raise ConfigurationError(f"name= is needed: {function!r} has none")
        if not isinstance(name, str) or not _NAME.fullmatch(name):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(
                f"name= must be 1 to 64 letters, digits, _ and -, not {name!r}"
            )
        check_timeout(timeout)
        if on_error not in (None, "tell", "raise"):
            raise ConfigurationError(f'on_error= must be "tell" or "raise", not {on_error!r}')
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise ConfigurationError(
                f"tool {name!r} is a generator: return one result, report progress by ToolContext"
            )
        self.function = function
        self.name = name
        self.timeout = timeout
        self.needs_approval = needs_approval
        self.cancel_on_interrupt = cancel_on_interrupt
        self.abandon_on_cancel = abandon_on_cancel
        self.on_error: OnError | None = on_error
        self._description = description
        self._raw = parameters
        self._owner: type | None = None
        self.__wrapped__ = function
        self.__name__ = name
        self.__doc__ = function.__doc__

    def __repr__(self) -> str:
        return f"<Tool {self.name}>"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function itself."""
        return self.function(*args, **kwargs)

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner = owner

    @overload
    def __get__(self, instance: None, owner: type) -> Tool[P, R]: ...
    @overload
    def __get__(
        self: Tool[Concatenate[Any, Q], R], instance: object, owner: type | None = None
    ) -> Tool[Q, R]: ...
    def __get__(self, instance: object, owner: type | None = None) -> Any:
        if instance is None:
            return self
        return Tool(
            self.function.__get__(instance, owner),
            name=self.name,
            description=self._description,
            parameters=self._raw,
            timeout=self.timeout,
            needs_approval=self.needs_approval,
            cancel_on_interrupt=self.cancel_on_interrupt,
            abandon_on_cancel=self.abandon_on_cancel,
            on_error=self.on_error,
        )

    @property
    def is_async(self) -> bool:
        """Whether the function is a coroutine function."""
        return inspect.iscoroutinefunction(self.function) or inspect.iscoroutinefunction(
            getattr(self.function, "__call__", None)  # noqa: B004 - an object with an async one
        )

    @cached_property
    def declaration(self) -> FunctionTool:
        """The tool as the session declares it.

        Raises:
            ConfigurationError: the signature is none that a model could fill.
        """
        said = self._description if self._description is not None else self._told.function
        schema = self._parameters.schema
        if said is None:
            return FunctionTool(name=self.name, parameters=schema)
        return FunctionTool(name=self.name, description=said, parameters=schema)

    def decode(self, arguments: str) -> Arguments:
        """Decode what the model gave, and check it against the signature; by name.

        Raises:
            ToolError: it does not fit. The message is for the model.
        """
        return self._parameters.decode(arguments)

    def invoke(self, arguments: Arguments, context: ToolContext | None = None) -> object:
        """Call the function with what `decode` gave; of an async one, this is the coroutine."""
        return self._parameters.call(arguments, context)

    @cached_property
    def _told(self) -> Descriptions:
        return read_docstring(self.function)

    @cached_property
    def _parameters(self) -> Parameters:
        if self._owner is not None:
            raise ConfigurationError(
                f"tool {self.name!r} is a method of {self._owner.__name__}: "
                "give the tool of an instance"
            )
        if self._raw is not None:
            return RawParameters(self.function, self.name, self._raw)
        return SignatureParameters(self.function, self.name, self._told)


@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    timeout: float | None = None,
    needs_approval: bool = False,
    cancel_on_interrupt: bool = False,
    abandon_on_cancel: bool = False,
    on_error: OnError | None = None,
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...
def tool(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a tool of a function, as a decorator, with or without options: those of `Tool`."""
    return partial(Tool, **options) if function is None else Tool(function, **options)


def check_timeout(timeout: float | None, name: str = "timeout") -> None:
    """Raise ConfigurationError for what is no time that a tool could be given."""
    if timeout is not None and (
        isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0  # pyright: ignore[reportUnnecessaryIsInstance]
    ):
        raise ConfigurationError(f"{name}= must be a positive number of seconds, not {timeout!r}")
