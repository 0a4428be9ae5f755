"""Block Kit: what Slack takes, what it refuses and in which words (docs.slack.dev, "Block Kit" reference)."""

from sandbox.slack.blockkit.blocks import Surface, checked_blocks
from sandbox.slack.blockkit.check import Json, LayoutError
from sandbox.slack.blockkit.views import checked_view

__all__ = ["Json", "LayoutError", "Surface", "checked_blocks", "checked_view"]
