"""The keys, in one line."""

from textual import events
from textual.screen import Screen

from console.keys import KEYS, sign
from console.panes.lines import Line, Lines


class Keys(Lines):
    """What the table of keys marks for the footer, with the keys that they are bound to."""

    DEFAULT_CSS = "Keys { height: 1; background: $panel; .pen--dim, .pen--text { color: $title-text; } }"

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._rebound)

    def _rebound(self, _: Screen[object]) -> None:
        self.redraw()

    def redraw(self) -> None:
        width = self.size.width
        bound = bound_keys(self.screen)
        line: Line = [(" ", "text")]
        entries = [("1-5", "pane"), *((bound.get(key.id, ""), key.label) for key in KEYS if key.footer)]
        for key, label in entries:
            taken = sum(len(text) for text, _ in line)
            if key and taken + len(key) + len(label) + 3 <= width:
                line += [(key, "key"), (f" {label}  ", "dim")]
        self.show([line])

    def on_click(self, event: events.Click) -> None:
        event.stop()


def bound_keys(screen: Screen[object]) -> dict[str, str]:
    """Return how the first key of each binding is written: id -> sign."""
    bound: dict[str, str] = {}
    for active in screen.active_bindings.values():
        if active.binding.id is not None:
            bound.setdefault(active.binding.id, sign(active.binding.key))
    return bound
