"""Functions as tools: what a model may call, and what it is told of it.

`@tool` makes one of a function; `open_realtime(tools=[...])` and `connection.run_tools(...)`
offer them and run them. This room describes tools, and checks what a model gives them; it knows
no event loop. They are run by `_runtime/_tool_runner.py`.
"""

from anyrealtime.errors import ToolError
from anyrealtime.tools._context import (
    Approval,
    ApprovalRequest,
    Approve,
    Outcome,
    ToolCallFinished,
    ToolCallProgress,
    ToolContext,
)
from anyrealtime.tools._tool import OnError, Tool, tool
from anyrealtime.tools._toolset import AnyTool, toolset

__all__ = [
    "AnyTool",
    "Approval",
    "ApprovalRequest",
    "Approve",
    "OnError",
    "Outcome",
    "Tool",
    "ToolCallFinished",
    "ToolCallProgress",
    "ToolContext",
    "ToolError",
    "tool",
    "toolset",
]
