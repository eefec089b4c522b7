"""The authorisation table: each mutation, what it is asked with, and what it answers to each of `ROLES`, in order.

`$name` stands for a value of the scene in tests/test_authorisation.py: everything there is made by `owner`, who has
blocked `blocked`. Absent and invisible are both NOT_FOUND.
"""

from typing import Any

ROLES = ("anonymous", "owner", "stranger", "blocked", "moderator", "admin")

PASSWORD = "correct horse battery"

EVERYBODY = "done done done done done done"
SIGNED_IN = "UNAUTHENTICATED done done done done done"
WHO_SEES_IT = "UNAUTHENTICATED done done NOT_FOUND done done"
AUTHOR = "UNAUTHENTICATED done FORBIDDEN NOT_FOUND FORBIDDEN FORBIDDEN"
AUTHOR_OR_MODERATOR = "UNAUTHENTICATED done FORBIDDEN NOT_FOUND done done"
AUTHOR_OF_HIDDEN = "UNAUTHENTICATED done NOT_FOUND NOT_FOUND FORBIDDEN FORBIDDEN"
MODERATORS_OF_HIDDEN = "UNAUTHENTICATED FORBIDDEN NOT_FOUND NOT_FOUND done done"
ONLY_OWNER = "UNAUTHENTICATED done NOT_FOUND NOT_FOUND NOT_FOUND NOT_FOUND"
NOWHERE = "UNAUTHENTICATED NOT_FOUND NOT_FOUND NOT_FOUND NOT_FOUND NOT_FOUND"
NOT_ACROSS_A_BLOCK = "UNAUTHENTICATED SELF done NOT_FOUND done done"
NOT_SELF = "UNAUTHENTICATED SELF done done done done"
MODERATORS = "UNAUTHENTICATED FORBIDDEN FORBIDDEN FORBIDDEN done done"

Row = tuple[str, dict[str, Any], str]

NEW_USER = {"username": "newcomer", "email": "newcomer@example.org", "password": PASSWORD}

ACCOUNTS: list[Row] = [
    ("signUp", {"input": NEW_USER}, EVERYBODY),
    ("logIn", {"input": {"login": "owner", "password": PASSWORD}}, EVERYBODY),
    ("refreshSession", {"refreshToken": "refresh"}, EVERYBODY),
    ("logOut", {}, EVERYBODY),
    ("logOut", {"refreshToken": "refresh"}, EVERYBODY),
    ("revokeSession", {"id": "$session"}, ONLY_OWNER),
    ("updateProfile", {"input": {"bio": "Baker."}}, SIGNED_IN),
    ("changePassword", {"input": {"current": PASSWORD, "new": "another password"}}, SIGNED_IN),
    ("requestPasswordReset", {"email": "owner@example.org"}, EVERYBODY),
    ("resetPassword", {"input": {"token": "reset", "password": "another password"}}, EVERYBODY),
    ("requestEmailConfirmation", {}, SIGNED_IN),
    ("confirmEmail", {"token": "confirm"}, EVERYBODY),
    ("suspendUser", {"id": "$friend", "reason": "Spam."}, MODERATORS),
    ("suspendUser", {"id": "$moderator", "reason": "Spam."}, MODERATORS.replace("done", "SELF", 1)),
    (
        "suspendUser",
        {"id": "$admin", "reason": "Spam."},
        MODERATORS.replace("done done", "FORBIDDEN SELF"),
    ),
    ("restoreUser", {"id": "$suspended"}, MODERATORS),
    ("deleteAccount", {"password": PASSWORD}, SIGNED_IN),
    ("deleteAccount", {"password": "wrong"}, SIGNED_IN.replace("done", "INVALID_CREDENTIALS")),
    ("deleteAccount", {}, SIGNED_IN.replace("done", "INVALID_CREDENTIALS")),
]

LIKES: list[Row] = [
    ("like", {"subjectId": "$post"}, WHO_SEES_IT),
    ("like", {"subjectId": "$comment"}, WHO_SEES_IT),
    ("unlike", {"subjectId": "$post"}, WHO_SEES_IT),
    ("unlike", {"subjectId": "$comment"}, WHO_SEES_IT),
]

PEOPLE: list[Row] = [
    ("followUser", {"id": "$owner"}, NOT_ACROSS_A_BLOCK),
    ("followUser", {"id": "$blocked"}, "UNAUTHENTICATED BLOCKED done SELF done done"),
    ("followUser", {"id": "$suspended"}, NOWHERE),
    ("unfollowUser", {"id": "$owner"}, NOT_SELF),
    ("followUsers", {"ids": ["$owner"]}, NOT_ACROSS_A_BLOCK),
    ("followTags", {"slugs": ["bread"]}, SIGNED_IN),
    ("unfollowTags", {"slugs": ["bread"]}, SIGNED_IN),
    ("blockUser", {"id": "$owner"}, NOT_SELF),
    ("unblockUser", {"id": "$owner"}, NOT_SELF),
    ("muteUser", {"id": "$owner"}, NOT_SELF),
    ("unmuteUser", {"id": "$owner"}, NOT_SELF),
]

BOOKMARKS: list[Row] = [
    ("bookmark", {"input": {"subjectId": "$post"}}, WHO_SEES_IT),
    ("bookmark", {"input": {"subjectId": "$draft"}}, NOWHERE),
    ("bookmark", {"input": {"subjectId": "$post", "collectionIds": ["$collection"]}}, ONLY_OWNER),
    ("unbookmark", {"subjectId": "$post"}, WHO_SEES_IT),
    ("createBookmarkCollection", {"input": {"name": "New"}}, SIGNED_IN),
    ("renameBookmarkCollection", {"input": {"id": "$collection", "name": "New"}}, ONLY_OWNER),
    ("deleteBookmarkCollection", {"id": "$collection"}, ONLY_OWNER),
]

POSTS: list[Row] = [
    ("createPost", {"input": {"title": "News", "tags": ["bread", "butter"]}}, SIGNED_IN),
    ("updatePost", {"input": {"id": "$post", "title": "Other"}}, AUTHOR),
    ("updatePost", {"input": {"id": "$draft", "tags": ["butter"]}}, ONLY_OWNER),
    ("updatePost", {"input": {"id": "$deletedPost", "title": "Other"}}, AUTHOR_OF_HIDDEN.replace("done", "NOT_FOUND")),
    ("publishPost", {"id": "$draft"}, ONLY_OWNER),
    ("publishPost", {"id": "$post"}, AUTHOR),
    ("schedulePost", {"id": "$draft", "at": "$tomorrow"}, ONLY_OWNER),
    ("unschedulePost", {"id": "$scheduled"}, ONLY_OWNER),
    ("deletePost", {"id": "$post"}, AUTHOR_OR_MODERATOR),
    ("deletePost", {"id": "$draft"}, ONLY_OWNER),
    ("restorePost", {"id": "$deletedPost"}, AUTHOR_OF_HIDDEN),
    ("restorePost", {"id": "$moderatedPost"}, MODERATORS_OF_HIDDEN),
]

VIEWS: list[Row] = [("recordViews", {"postIds": ["$post"]}, SIGNED_IN)]

COMMENTS: list[Row] = [
    ("createComment", {"input": {"postId": "$post", "body": "Yes."}}, WHO_SEES_IT),
    ("createComment", {"input": {"postId": "$post", "parentId": "$comment", "body": "Yes."}}, WHO_SEES_IT),
    ("createComment", {"input": {"postId": "$draft", "body": "Yes."}}, NOWHERE),
    ("createComment", {"input": {"postId": "$deletedPost", "body": "Yes."}}, NOWHERE),
    ("updateComment", {"input": {"id": "$comment", "body": "No."}}, AUTHOR),
    ("updateComment", {"input": {"id": "$deletedComment", "body": "No."}}, NOWHERE),
    ("deleteComment", {"id": "$comment"}, AUTHOR_OR_MODERATOR),
    ("deleteComment", {"id": "$deletedComment"}, AUTHOR_OR_MODERATOR.replace("FORBIDDEN", "NOT_FOUND")),
    ("restoreComment", {"id": "$deletedComment"}, AUTHOR_OF_HIDDEN),
    ("restoreComment", {"id": "$moderatedComment"}, MODERATORS_OF_HIDDEN),
]

TABLE = [*ACCOUNTS, *LIKES, *POSTS, *COMMENTS, *PEOPLE, *BOOKMARKS, *VIEWS]
