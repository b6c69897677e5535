"""Where the page of codes is, for the commands that need no other setting."""

import click

from producer.settings import HelpSettings, SettingsError


def help_page() -> str:
    """Return the address of the page. Raises click.UsageError for a bad setting."""
    try:
        return HelpSettings.load().help_url
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
