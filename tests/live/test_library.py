"""ccxt is loaded as far as it is used, and whole where that is not enough."""

import subprocess
import sys

LOADED = "print(*(m for m in sys.modules if m.startswith('ccxt.async_support.') and m.count('.') == 2))"


def loaded(code: str) -> set[str]:
    """Return the parts of ccxt that a process has loaded once it has run `code`."""
    start = "import sys; from core.live.library import base_error, exchange_class, place\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{start}{code}\n{LOADED}"], capture_output=True, text=True, timeout=120, check=True
    )
    return {name.rpartition(".")[2] for name in done.stdout.split()}


def test_only_the_venues_that_are_asked_for_are_loaded() -> None:
    asked = {"binance", "upbit"}
    assert loaded(f"for venue in {asked}: assert exchange_class(venue)({{}}).id == venue") == {"base", *asked}


def test_a_library_that_asks_its_packages_for_more_is_loaded_whole_and_its_errors_stay_what_they_are() -> None:
    code = (
        "place()\n"
        "del sys.modules['ccxt'].NetworkError\n"  # as if it had a name that nobody put there
        "assert exchange_class('upbit')({}).id == 'upbit'\n"
        "assert issubclass(sys.modules['ccxt'].NetworkError, base_error())"
    )
    assert {"kraken", "upbit"} <= loaded(code)
