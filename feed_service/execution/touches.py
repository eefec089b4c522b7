"""What one event of the log may have changed of an answer: nothing, public numbers, or more."""

from collections.abc import Callable, Mapping
from enum import IntEnum

from feed_service.loaders.reads import Class
from feed_service.polling.interest import STANDING
from feed_service.polling.memory import Event

NONE: frozenset[int] = frozenset()


class Touch(IntEnum):
    NOTHING = 0
    NUMBERS = 1
    MORE = 2


Ids = Mapping[Class, frozenset[int]]
Judge = Callable[[Ids, int | None, Event], Touch]


def touched(ids: Ids, viewer_id: int | None, event: Event) -> Touch:
    """All but what feeds hold, of which `polling.interest` knows. An unknown kind may have changed anything."""
    judge = BY_KIND.get(event.kind)
    return Touch.MORE if judge is None else judge(ids, viewer_id, event)


def touch(*, more: bool, numbers: bool = False) -> Touch:
    if more:
        return Touch.MORE
    return Touch.NUMBERS if numbers else Touch.NOTHING


def by_post(ids: Ids, viewer_id: int | None, event: Event) -> Touch:
    author_id = event.author_id
    return touch(
        more=event.post_id in ids.get(Class.POSTS, NONE)
        or event.post_id in ids.get(Class.THREADS, NONE)
        or author_id in ids.get(Class.AUTHORS, NONE)
        or has_tag_of(ids.get(Class.TAGGED), event)
        or (event.action == "restore" and (Class.RETURNS in ids or bool(ids.get(Class.COMMENTS))))
        or (Class.OWN in ids and author_id == viewer_id is not None),
        numbers=author_id in ids.get(Class.USER_NUMBERS, NONE) or has_tag_of(ids.get(Class.TAG_NUMBERS), event),
    )


def has_tag_of(tag_ids: frozenset[int] | None, event: Event) -> bool:
    return tag_ids is not None and not tag_ids.isdisjoint((*event.was_tagged, *event.is_tagged))


def by_user(ids: Ids, _viewer_id: int | None, event: Event) -> Touch:
    """Whoever is hidden or comes back may stand in any list, which is seldom enough to make all anew."""
    return touch(more=event.action in STANDING or event.subject_id in ids.get(Class.USERS, NONE))


def by_user_follow(ids: Ids, viewer_id: int | None, event: Event) -> Touch:
    follower_id, followee_id = event.author_id, event.subject_id
    numbers = ids.get(Class.USER_NUMBERS, NONE)
    return touch(
        more=followee_id in ids.get(Class.FOLLOWERS, NONE)
        or follower_id in ids.get(Class.FOLLOWING, NONE)
        or (Class.OWN in ids and viewer_id is not None and viewer_id in {follower_id, followee_id}),
        numbers=follower_id in numbers or followee_id in numbers,
    )


def by_tag_follow(ids: Ids, viewer_id: int | None, event: Event) -> Touch:
    return touch(
        more=event.author_id in ids.get(Class.FOLLOWED_TAGS, NONE) or is_own(ids, viewer_id, event),
        numbers=event.subject_id in ids.get(Class.TAG_NUMBERS, NONE),
    )


def by_tie(_ids: Ids, viewer_id: int | None, event: Event) -> Touch:
    """A block hides people everywhere. Of a block both sides are told."""
    return touch(more=viewer_id is not None and event.author_id == viewer_id)


def by_comment(ids: Ids, viewer_id: int | None, event: Event) -> Touch:
    return touch(
        more=event.post_id in ids.get(Class.THREADS, NONE)
        or event.subject_id in ids.get(Class.COMMENTS, NONE)
        or is_own(ids, viewer_id, event),
        numbers=event.post_id in ids.get(Class.POST_NUMBERS, NONE),
    )


def by_post_like(ids: Ids, viewer_id: int | None, event: Event) -> Touch:
    author_id = event.author_id
    return touch(
        more=event.post_id in ids.get(Class.POST_LIKERS, NONE) or is_act_of(ids, viewer_id, event),
        numbers=event.post_id in ids.get(Class.POST_NUMBERS, NONE)
        or author_id in ids.get(Class.USER_NUMBERS, NONE)
        or author_id in ids.get(Class.AUTHOR_LIKES, NONE),
    )


def by_comment_like(ids: Ids, viewer_id: int | None, event: Event) -> Touch:
    """Likes may put the comments of a thread into another order."""
    return touch(
        more=event.subject_id in ids.get(Class.COMMENT_LIKERS, NONE) or is_act_of(ids, viewer_id, event),
        numbers=event.subject_id in ids.get(Class.COMMENT_NUMBERS, NONE)
        or event.post_id in ids.get(Class.THREADS, NONE),
    )


def by_bookmark(ids: Ids, viewer_id: int | None, event: Event) -> Touch:
    return touch(more=is_act_of(ids, viewer_id, event), numbers=event.post_id in ids.get(Class.POST_NUMBERS, NONE))


def by_collection(ids: Ids, viewer_id: int | None, event: Event) -> Touch:
    return touch(more=is_own(ids, viewer_id, event))


def is_act_of(ids: Ids, viewer_id: int | None, event: Event) -> bool:
    """Done by the viewer. Of likes, the author of the event is who wrote what is liked."""
    return Class.OWN in ids and event.actor_id == viewer_id is not None


def is_own(ids: Ids, viewer_id: int | None, event: Event) -> bool:
    return Class.OWN in ids and viewer_id is not None and viewer_id in {event.actor_id, event.author_id}


BY_KIND: Mapping[str, Judge] = {
    "post": by_post,
    "user": by_user,
    "user_follow": by_user_follow,
    "tag_follow": by_tag_follow,
    "block": by_tie,
    "mute": by_tie,
    "comment": by_comment,
    "post_like": by_post_like,
    "comment_like": by_comment_like,
    "bookmark": by_bookmark,
    "bookmark_collection": by_collection,
}
