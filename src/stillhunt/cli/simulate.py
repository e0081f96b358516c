"""``stillhunt simulate``: the logs of a synthetic intrusion, with its truth beside it."""

from __future__ import annotations

from pathlib import Path

import click

from stillhunt.cli.console import handles_errors, say

__all__ = ["command"]


@click.command("simulate")
@click.option("--list", "lists", is_flag=True, help="List the scenarios, and what part of the logs can be withheld.")
@click.option("--scenario", default="electoral", show_default=True, help="Which intrusion to write.")
@click.option("--out", "-o", type=click.Path(path_type=Path), help="An empty or new folder.")
@click.option("--seed", default=1, show_default=True, help="Another number gives other times, names and addresses.")
@click.option("--with", "companion", default="", metavar="SCENARIO", help="A second intruder in the same estate.")
@click.option("--partial", default="", metavar="PART", help="Withhold part of the logs.")
@click.option(
    "--small", "is_small", is_flag=True, help="Few people and part of their days: at most about 30,000 events."
)
@click.option("--users", default=200, show_default=True, help="People in the tenant (scenario `tenant`).")
@click.option("--days", default=90, show_default=True, help="Days of the tenant (scenario `tenant`).")
@handles_errors
def command(
    *,
    out: Path | None,
    scenario: str,
    seed: int,
    companion: str,
    partial: str,
    users: int,
    days: int,
    lists: bool,
    is_small: bool,
) -> None:
    """Write the logs of a synthetic intrusion into a folder. It writes logs; it never does anything."""
    if lists:
        _list()
        return
    if out is None:
        raise click.UsageError("a folder is needed: --out DIR")
    if scenario == "tenant":
        from stillhunt.simulation.population import simulate_tenant

        n_events = simulate_tenant(out, seed=seed, n_users=users, n_days=days).n_events
    else:
        from stillhunt.simulation.scenario import simulate

        truth = simulate(scenario, out, seed=seed, companion=companion, partial=partial, is_small=is_small)
        n_events = truth.n_events
    say(f"{n_events:,} synthetic events of `{scenario}` in {out}; what is true stands in {out / 'truth.json'}")


def _list() -> None:
    from stillhunt.simulation.partial import Partial
    from stillhunt.simulation.scenario import SCENARIOS

    for scenario in SCENARIOS:
        click.echo(f"{scenario.name:12} {scenario.title}")
    click.echo(f"{'tenant':12} A cloud tenant of --users people over --days days, with twenty planted intrusions")
    click.echo(f"\n--partial    {', '.join(part.value for part in Partial)}")
