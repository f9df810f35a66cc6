"""`arbdesk topics`: the Kafka topics as the desk needs them, and as they are."""

import click

from core.log import topics as log_topics
from core.log.differences import meaning, remedy, told
from core.settings import LogSettings


async def check_topics(settings: LogSettings, *, create: bool) -> bool:
    """Print each topic with what differs; return whether all is well.

    Raises:
        LogUnavailable: the brokers do not answer.
        ConfigurationError: there are fewer brokers than the replication factor, or the settings are at odds.
    """
    replication_factor = settings.replication_factor
    topics = log_topics.needed(settings)
    if replication_factor < 3:
        click.echo(
            f"replication factor {replication_factor}: a broker that dies may take acknowledged ticks with it", err=True
        )
    if create:
        for name in await log_topics.create(settings, topics):
            click.echo(f"{name}: created")
    differences = await log_topics.check(settings, topics)
    for topic in topics:
        wrong = [one for one in differences if one.topic == topic.name]
        wanted = " ".join(f"{key}={value}" for key, value in log_topics.settings_of(topic, replication_factor).items())
        shape = f"{topic.partitions} partition{'s' * (topic.partitions > 1)}, {wanted}"
        click.echo(f"{topic.name}: {f'differs (wanted: {shape})' if wrong else f'as it should be ({shape})'}")
        for one in wrong:
            click.echo(f"  {told(one)}: {meaning(one)}\n    {remedy(one, settings.bootstrap)}")
    if any(one.what != "topic" for one in differences):
        click.echo("The desk changes no topic that is there: the commands above do, from Kafka's own tools.", err=True)
    return not differences
