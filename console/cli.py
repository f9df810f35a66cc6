"""The `arbdesk` command: all its commands, put together."""

from typing import Any

import click

from console.commands.bench import bench
from console.commands.checks import doctor, drill, topics
from console.commands.lists import claims, config, decode, identity, instruments, markout, orders
from console.commands.outside import attach, halt, operator_key
from console.commands.run import demo, run
from console.commands.tape import record, replay, tape
from core.errors import ConfigurationError, DeskError


class Commands(click.Group):
    """`arbdesk --no-ui` is `arbdesk run --no-ui`; an error of ours is one clear line on stderr."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("--help", "-h", "--version")):
            args.insert(0, "run")
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            click.echo(f"arbdesk: {error}", err=True)
            ctx.exit(2)
        except DeskError as error:
            click.echo(f"arbdesk: {error}", err=True)
            ctx.exit(1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="arbdesk", message="arbdesk %(version)s")
def main() -> None:
    """Cross-exchange arbitrage in a terminal. Without a command: `run`.

    Every setting also comes from the configuration file (`arbdesk config` prints one to start from) and from the
    environment, as ARBDESK_… with __ between the parts: ARBDESK_LOG__KIND=kafka. The command line counts most.
    """


for command in (
    *(run, demo),
    *(attach, halt, operator_key),
    *(doctor, drill, topics),
    *(claims, config, decode, identity, instruments, markout, orders),
    *(record, replay, tape),
    bench,
):
    main.add_command(command)

if __name__ == "__main__":
    main()
