"""`chartside admin`: the way in to the admin pages."""

import click

from smartapp.config import Config, MissingSettings


@click.group()
def admin() -> None:
    """The admin pages."""


@admin.command("link")
def link() -> None:
    """Print an address that opens the admin pages once, within 15 minutes."""
    from sqlalchemy.exc import SQLAlchemyError

    from launch.vault import Vault
    from smartapp import store, utc_now
    from smartapp.audit import AuditLog
    from smartapp.audit.account import account
    from smartapp.store.admin_store import make_link

    try:
        config = Config.from_env()
        engine = store.connect(config.database_url)
        store.migrate(engine)
        made = make_link(Vault(config.secret_keys), utc_now(), AuditLog(engine, utc_now), account())
    except (MissingSettings, ValueError) as wrong:
        raise click.ClickException(str(wrong)) from None
    except SQLAlchemyError as error:
        raise click.ClickException(f"the audit log cannot be written ({type(error).__name__})") from None
    click.echo(f"{config.public_url}/admin/enter?link={made}")
