"""The command palette, which survives a hurried hand."""

from contextlib import suppress

from textual.await_complete import AwaitComplete
from textual.command import CommandPalette

from console.screens.behind import Behind


class Palette(CommandPalette, Behind):
    """Leaves once: two keys of one read, or a halt between them, would else take away the screen below it."""

    def dismiss(self, result: None = None) -> AwaitComplete:
        self.workers.cancel_node(self)  # a search that goes on would find its list gone, and end the console
        return super().dismiss(result) if self.is_current else AwaitComplete()

    def _action_command_list(self, action: str) -> None:
        with suppress(KeyError):  # a list that was not laid out yet knows of no page to turn
            super()._action_command_list(action)
