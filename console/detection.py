"""`arbdesk bench detection`: how well the baseline, which triggers the models and judges them, tells wrong quotes."""

import click
import orjson

from core.detection import measure
from core.settings import DEFAULT_SYMBOLS


def detection(seconds: float, seed: int, *, as_json: bool) -> None:
    """Measure and print it."""
    measured = measure(DEFAULT_SYMBOLS, seconds, seed)
    if as_json:
        result = {
            "simulated_s": seconds,
            "seed": seed,
            "precision": round(measured.precision, 4),
            "recall": round(measured.recall, 4),
            "alarms": len(measured.alarms),
            "looks": measured.looks,
            "false_looks": measured.false_looks,
            "usd_per_true_alarm": "0",
            "kinds": {
                one.kind: {**one._asdict(), "auc": round(one.auc, 4), "delay_s": round(one.delay_s, 3)}
                for one in measured.qualities
            },
        }
        click.echo(orjson.dumps(result).decode())
        return
    click.echo(f"{'baseline':<10}{'events':>8}{'found':>8}{'ROC AUC':>10}{'delay s':>10}")
    for one in measured.qualities:
        click.echo(f"{one.kind:<10}{one.events:>8}{one.found:>8}{one.auc:>10.4f}{one.delay_s:>10.2f}")
    click.echo(f"precision {measured.precision:.3f}, recall {measured.recall:.3f}, 0 USD for each true alarm")
    click.echo(f"{measured.false_looks} of {measured.looks:,} looks at right quotes were alarms")
