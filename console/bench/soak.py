"""`arbdesk bench analysis --soak`: whether the box of questions and the memory stay flat under far too many of them."""

import click
import msgspec
import orjson

from console.bench.progress import done, tell
from core.trials.soak import Sample, soak

FLAT_MB = 5.0  # what Python's allocator may take or give back by itself


async def soaking(seconds: float, *, as_json: bool) -> bool:
    """Measure and print it; return whether all stayed flat.

    Raises:
        DeskError: it could not be measured.
    """

    def told(one: Sample) -> None:
        if round(one.at_s) % 10 == 0:
            tell(f"{one.at_s:.0f} of {seconds:.0f} s: {one.waiting} wait, {one.desk_mb:.1f} + {one.models_mb:.1f} MB")

    soaked = await soak(seconds, told)
    done()
    flat = soaked.grew_mb <= FLAT_MB
    if as_json:
        result = {**msgspec.to_builtins(soaked), "grew_mb": round(soaked.grew_mb, 2), "flat": flat}
        click.echo(orjson.dumps(result).decode())
        return flat
    click.echo(f"{soaked.triggers:,} causes to ask in {soaked.lasted_s:g} s, {soaked.triggers_per_s:,.0f} a second")
    click.echo(f"{soaked.asked:,} were asked, at most {soaked.most_asked} at a time; {soaked.answered:,} answered")
    click.echo(f"at most {soaked.most_waiting} waited; newer ones replaced the others, or they cooled down")
    for name, (first, last) in (("the desk's process", soaked.desk_mb), ("the models' process", soaked.models_mb)):
        click.echo(f"{name:<20} {first:>7.1f} MB in the first third, {last:>7.1f} MB in the last")
    click.echo(f"the event loop woke {soaked.late_ms:.1f} ms late at worst, in the median second")
    click.echo("flat" if flat else f"NOT FLAT: it grew by {soaked.grew_mb:.1f} MB")
    return flat
