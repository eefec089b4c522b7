"""Whom the viewer blocks and mutes, newest first. Nobody else's lists are ever read."""

from typing import Any

from sqlalchemy import ColumnElement, Select, select

from feed_service import models
from feed_service.paging import Slice, Sort
from feed_service.queries.batches import Ids, per_parent
from feed_service.queries.visibility import id_of, user_is_live
from feed_service.viewer import Viewer

BLOCKED = Sort((models.Block.created_at, models.Block.blocked_id))
MUTED = Sort((models.Mute.created_at, models.Mute.muted_id))


def blocked_by(viewer: Viewer, user_ids: Ids, part: Slice) -> Select[*tuple[Any, ...]]:
    """(user id, blocked id, blocked at, blocked id) of live people; of the viewer only, whoever is asked for."""
    block, me = models.Block, id_of(viewer)

    def page(user_id: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
        blocked = select(block.blocked_id.label("item_id"), *BLOCKED.columns)
        own = blocked.where(block.blocker_id == user_id, block.blocker_id == me)
        return BLOCKED.slice(own.where(user_is_live(block.blocked_id)), part)

    return per_parent(user_ids, page)


def muted_by(viewer: Viewer, user_ids: Ids, part: Slice) -> Select[*tuple[Any, ...]]:
    """As `blocked_by`, of mutes."""
    mute, me = models.Mute, id_of(viewer)

    def page(user_id: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
        muted = select(mute.muted_id.label("item_id"), *MUTED.columns)
        own = muted.where(mute.muter_id == user_id, mute.muter_id == me)
        return MUTED.slice(own.where(user_is_live(mute.muted_id)), part)

    return per_parent(user_ids, page)
