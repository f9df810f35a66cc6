"""The keys, in one line."""

from textual.screen import Screen

from console.keys import KEYS, sign
from console.panes.lines import Lines
from console.panes.sheet import Line, width_of

PANES: Line = [(" 1-5", "key"), (" pane  ", "title")]
PANES_WIDTH = width_of(PANES)


class Keys(Lines):
    """What the table of keys marks for the footer, with the keys that they are bound to."""

    DEFAULT_CSS = "Keys { height: 1; background: $panel; }"

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._rebound)

    def _rebound(self, _: Screen[object]) -> None:
        self.redraw()

    def redraw(self) -> None:
        bound = bound_keys(self.screen)
        entries = [key for key in KEYS if key.footer and key.id in bound]
        room = self.size.width - PANES_WIDTH
        while entries and sum(len(bound[key.id]) + len(key.label) + 3 for key in entries) > room:
            entries.remove(max(entries, key=lambda key: key.footer))
        line = list(PANES) if "pane.ticks" in bound else [(" ", "title")]
        for key in entries:
            line += [(bound[key.id], "key"), (f" {key.label}  ", "title")]
        self.show([line])


def bound_keys(screen: Screen[object]) -> dict[str, str]:
    """Return how the first key of each binding is written: id -> sign."""
    bound: dict[str, str] = {}
    for active in screen.active_bindings.values():
        if active.binding.id is not None:
            bound.setdefault(active.binding.id, sign(active.binding.key))
    return bound
