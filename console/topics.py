"""`arbdesk topics`: the Kafka topics as the desk needs them, and as they are."""

from dataclasses import replace

import click

from core.log import topics as log_topics
from core.settings import LogSettings


async def check_topics(settings: LogSettings, *, create: bool) -> bool:
    """Print each topic with what differs; return whether all is well.

    Raises:
        LogUnavailable: the brokers do not answer.
        ConfigurationError: there are fewer brokers than the replication factor, or the settings are at odds.
    """
    replication_factor = settings.replication_factor
    topics = [replace(one, name=settings.topic) if one is log_topics.TICKS else one for one in log_topics.TOPICS]
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
        click.echo(
            f"{topic.name}: {'differs' if wrong else 'as it should be'} ({topic.partitions} partitions, {wanted})"
        )
        for one in wrong:
            click.echo(f"  {one.what}: found {one.found}, wanted {one.wanted}")
    if differences and not create:
        click.echo("Missing topics: arbdesk topics --create. Existing ones are not changed by the desk.", err=True)
    return not differences
