"""What clients ask. Everything that is compared in the end is asked for in the same way everywhere."""

POST = "id version title tags { slug } author { id }"
EDGE = f"position node {{ {POST} }}"
CHANGED = "removedIds nextToken hasMore resetRequired pollAfterSeconds"

FEED = f"""query Feed($kind: FeedKind!, $first: Int, $after: String, $filter: FeedFilter) {{
    feed(kind: $kind, first: $first, after: $after, filter: $filter) {{
        edges {{ {EDGE} }} pageInfo {{ hasNextPage endCursor }} head {{ token newCount {{ value }} }} }} }}"""

CHANGES = f"""query Changes($kind: FeedKind!, $since: SyncToken!, $first: Int, $filter: FeedFilter) {{
    feedChanges(kind: $kind, since: $since, first: $first, filter: $filter) {{
        added {{ {EDGE} }} updated {{ {POST} }} {CHANGED} }} }}"""

HEAD = """query Head($kind: FeedKind!, $since: SyncToken, $filter: FeedFilter) {
    feedHead(kind: $kind, since: $since, filter: $filter) { newCount { value } newAuthors { id } token } }"""

PAGE = f"query Page($kind: FeedKind!) {{ feed(kind: $kind, first: 20) {{ edges {{ {EDGE} }} }} }}"

NUMBERS = "stats { likeCount commentCount } author { id stats { postCount followerCount } }"
NUMBERED = f"""query Numbered($kind: FeedKind!) {{
    feed(kind: $kind, first: 20) {{ edges {{ position node {{ {POST} {NUMBERS} }} }} }} }}"""

GAPPED = """query Gapped($kind: FeedKind!, $first: Int, $after: String, $before: String) {
    feed(kind: $kind, first: $first, after: $after, before: $before) {
        edges { cursor position node { id } } gap { after before missing { value } }
        pageInfo { hasNextPage endCursor } } }"""

COMMENT = "id isTombstone body version"
THREAD = f"""query Thread($id: ID!, $after: String) {{ post(by: {{ id: $id }}) {{
    commentTree(first: 100, after: $after, maxDepth: 100) {{
        nodes {{ {COMMENT} }} pageInfo {{ hasNextPage endCursor }} syncToken }} }} }}"""

THREAD_CHANGES = f"""query ThreadChanges($id: ID!, $since: SyncToken!, $first: Int) {{
    threadChanges(postId: $id, since: $since, first: $first) {{
        added {{ {COMMENT} }} updated {{ {COMMENT} }} {CHANGED} }} }}"""

STAMPEDE = "{ feed(kind: POPULAR, order: TOP) { nodes { id title } } trendingTags(window: WEEK) { slug } }"


def mutation(name: str, argument: str, kind: str, shown: str = "") -> str:
    """One mutation of one argument, which is given as the variable of that name."""
    told = f"{shown} consistencyToken userErrors {{ code message }}"
    return f"mutation (${argument}: {kind}!) {{ {name}({argument}: ${argument}) {{ {told} }} }}"


CREATE_POST = mutation("createPost", "input", "CreatePostInput", f"post {{ {POST} }}")
UPDATE_POST = mutation("updatePost", "input", "UpdatePostInput", f"post {{ {POST} }}")
PUBLISH_POST = mutation("publishPost", "id", "ID", f"post {{ {POST} }}")
DELETE_POST = mutation("deletePost", "id", "ID")
RESTORE_POST = mutation("restorePost", "id", "ID", f"post {{ {POST} }}")
CREATE_COMMENT = mutation("createComment", "input", "CreateCommentInput", "comment { id }")
UPDATE_COMMENT = mutation("updateComment", "input", "UpdateCommentInput", "comment { id }")
DELETE_COMMENT = mutation("deleteComment", "id", "ID")
RESTORE_COMMENT = mutation("restoreComment", "id", "ID", "comment { id }")
LIKE = mutation("like", "subjectId", "ID")
FOLLOW = mutation("followUser", "id", "ID")
UNFOLLOW = mutation("unfollowUser", "id", "ID")
FOLLOW_TAGS = mutation("followTags", "slugs", "[String!]")
UNFOLLOW_TAGS = mutation("unfollowTags", "slugs", "[String!]")
BLOCK = mutation("blockUser", "id", "ID")
UNBLOCK = mutation("unblockUser", "id", "ID")
MUTE = mutation("muteUser", "id", "ID")
UNMUTE = mutation("unmuteUser", "id", "ID")
RESTORE_USER = mutation("restoreUser", "id", "ID")
SUSPEND_USER = """mutation ($id: ID!) {
    suspendUser(id: $id, reason: "simulated") { consistencyToken userErrors { code message } } }"""
