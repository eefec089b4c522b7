"""The words of the mails. Links carry their token behind a #, where no server, log or referrer sees it."""

from feed_service.accounts.mail import Mail


def confirmation(to: str, username: str, token: str, public_url: str | None) -> Mail:
    text = f"""Hello {username},

please confirm that this is your e-mail address, within three days:

{place(public_url, "confirm-email", token)}

If you have not signed up, do nothing: the address will not be used.
"""
    return Mail(to, "Please confirm your e-mail address", text)


def already_here(to: str, username: str) -> Mail:
    """To the owner of an address with which somebody else, or they themselves, signed up once more."""
    text = f"""Hello {username},

somebody has just signed up with this e-mail address, which belongs to your account {username} already. The new account
was not given the address, and yours has not changed.

If it was you, log in as {username}; if you have forgotten the password, ask for a new one.
"""
    return Mail(to, "You have an account already", text)


def reset(to: str, username: str, token: str, public_url: str | None) -> Mail:
    text = f"""Hello {username},

choose a new password for your account {username} here, within one hour:

{place(public_url, "reset-password", token)}

If you have not asked for it, do nothing: your password stays as it is.
"""
    return Mail(to, "Choose a new password", text)


def place(public_url: str | None, page: str, token: str) -> str:
    return f"{public_url}/{page}#token={token}" if public_url else f"The token is: {token}"
