"""Who may do what. Absent and invisible are refused alike, so that a refusal tells nothing."""

from feed_service.errors import Refused, Unauthenticated
from feed_service.viewer import Role, Viewer
from feed_service.vocabulary import UserErrorCode


def signed_in(viewer: Viewer) -> int:
    """The viewer's id. Raises Unauthenticated for nobody."""
    if viewer.user_id is None:
        raise Unauthenticated("This needs a signed-in user.")
    return viewer.user_id


def not_found(what: str) -> Refused:
    return Refused(UserErrorCode.NOT_FOUND, f"There is no such {what}.")


def only_author(viewer: Viewer, author_id: int, what: str) -> None:
    """Raises Refused: the viewer may see it, but did not write it."""
    if viewer.user_id != author_id:
        raise Refused(UserErrorCode.FORBIDDEN, f"Only its author may do this with the {what}.")


def author_or_moderator(viewer: Viewer, author_id: int, what: str) -> None:
    if viewer.user_id != author_id and not viewer.is_moderator:
        raise Refused(UserErrorCode.FORBIDDEN, f"Only its author or a moderator may do this with the {what}.")


def restorer(viewer: Viewer, author_id: int, deleted_by_id: int | None, what: str) -> None:
    """Raises Refused: authors undo their own deletions, moderators those of others."""
    if (deleted_by_id == author_id) != (viewer.user_id == author_id):
        raise Refused(UserErrorCode.FORBIDDEN, f"This {what} was deleted by somebody else.")


def moderator(viewer: Viewer) -> int:
    me = signed_in(viewer)
    if not viewer.is_moderator:
        raise Refused(UserErrorCode.FORBIDDEN, "Only a moderator may do this.")
    return me


def admin(viewer: Viewer) -> int:
    me = signed_in(viewer)
    if viewer.role is not Role.ADMIN:
        raise Refused(UserErrorCode.FORBIDDEN, "Only an admin may do this.")
    return me
