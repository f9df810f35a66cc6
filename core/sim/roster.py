"""The venues that can be simulated: each file in `servers/`."""

import inspect
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import cast

from core.errors import ConfigurationError
from core.sim import depths, servers
from core.sim.depth import DepthServer
from core.sim.dialect import Server


@cache
def served() -> tuple[str, ...]:
    """Return the names of all of them."""
    return tuple(sorted(module.name for module in iter_modules(servers.__path__)))


@cache
def server(name: str) -> type[Server]:
    """Return the server's side of the venue `name`.

    Raises:
        ConfigurationError: it cannot be simulated.
    """
    if name not in served():
        raise ConfigurationError(f"No simulated venue is called {name!r}", do=f"Take some of {', '.join(served())}.")
    for found in vars(import_module(f"{servers.__name__}.{name}")).values():
        if inspect.isclass(found) and getattr(found, "name", "") == name:
            return cast(type[Server], found)
    raise AssertionError(f"servers/{name}.py has no class whose name is {name}")


@cache
def depth_server(name: str) -> type[DepthServer] | None:
    """Return how the venue `name` speaks of its top levels; None: not at all, or not apart from its ticks."""
    if name not in {module.name for module in iter_modules(depths.__path__)}:
        return None
    module = import_module(f"{depths.__name__}.{name}")
    found = (one for one in vars(module).values() if inspect.isclass(one) and issubclass(one, DepthServer))
    return next(one for one in found if getattr(one, "venue", None) == name)
