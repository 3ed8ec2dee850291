"""The commands that are processes of a deployment, beside the web."""

import sys

import click

from smartapp.config import Config, MissingSettings


@click.command()
@click.option("--threads", type=click.IntRange(1, 64), default=4, show_default=True, help="Charts at one time.")
@click.option(
    "--metrics-port",
    type=click.IntRange(1, 65535),
    envvar="CHARTSIDE_WORKER_METRICS_PORT",
    help="Where /healthz says whether it lives, and Prometheus finds its numbers; nowhere without it.",
)
def worker(threads: int, metrics_port: int | None) -> None:
    """Take charts from the queue, read and code them, and end write-backs that were cut short."""
    from smartapp import logs
    from smartapp.assembly import assemble
    from smartapp.worker import Worker, serve

    logs.configure()
    try:
        config = Config.from_env()
        if config.queue_url is None:
            raise MissingSettings(["CHARTSIDE_QUEUE_URL is not set: without it the web processes do this work"])
        parts = assemble(config)
    except MissingSettings as missing:
        click.echo(f"chartside: {missing}", err=True)
        sys.exit(2)
    parts.begin_upkeep()
    assert parts.queue is not None  # there is a URL of it
    serve(Worker(parts.coding.attending, parts.launcher, parts.client_for), parts.queue, threads, metrics_port)
