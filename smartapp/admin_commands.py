"""`chartside admin`: the way in to the admin pages."""

import click

from smartapp.config import Config, MissingSettings


@click.group()
def admin() -> None:
    """The admin pages."""


@admin.command("link")
def link() -> None:
    """Print an address that opens the admin pages once, within 15 minutes."""
    from launch.vault import Vault
    from smartapp import utc_now
    from smartapp.store.admin_store import make_link

    try:
        config = Config.from_env()
        made = make_link(Vault(config.secret_keys), utc_now())
    except (MissingSettings, ValueError) as wrong:
        raise click.ClickException(str(wrong)) from None
    click.echo(f"{config.public_url}/admin/enter?link={made}")
