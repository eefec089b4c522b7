-- The schema that PostGraphile makes its GraphQL from: views and functions over the project's tables. Made by the
-- harness in its copy of the database. Visibility is that of the service; every function takes the viewer, who may be null.
DROP SCHEMA IF EXISTS bench_peers CASCADE;
CREATE SCHEMA bench_peers;

CREATE VIEW bench_peers.users AS SELECT id, username, display_name, avatar_url FROM public.users;
COMMENT ON VIEW bench_peers.users IS E'@primaryKey id\n@behavior -query:resource:list -query:resource:connection';

CREATE VIEW bench_peers.tags AS SELECT id, slug, name FROM public.tags;
COMMENT ON VIEW bench_peers.tags IS E'@primaryKey id\n@behavior -query:resource:list -query:resource:connection';

CREATE VIEW bench_peers.posts AS
SELECT post.id, post.author_id, post.title, post.body, post.created_at,
    coalesce(stats.like_count, 0)::int AS like_count, coalesce(stats.comment_count, 0)::int AS comment_count,
    coalesce(stats.bookmark_count, 0)::int AS bookmark_count
FROM public.posts AS post LEFT JOIN public.post_stats AS stats ON stats.post_id = post.id;
COMMENT ON VIEW bench_peers.posts IS E'@primaryKey id\n@foreignKey (author_id) references bench_peers.users (id)'
    '\n@behavior -query:resource:list -query:resource:connection';

-- Tombstones have neither body nor author.
CREATE VIEW bench_peers.comments AS SELECT id, author_id, body, created_at FROM public.comments;
COMMENT ON VIEW bench_peers.comments IS E'@primaryKey id\n@foreignKey (author_id) references bench_peers.users (id)'
    '\n@behavior -query:resource:list -query:resource:connection';

CREATE FUNCTION bench_peers.live(user_id bigint) RETURNS boolean LANGUAGE sql STABLE RETURN (
    SELECT suspended_at IS NULL AND deleted_at IS NULL FROM public.users WHERE id = user_id
);
CREATE FUNCTION bench_peers.blocked(viewer bigint) RETURNS bigint[] LANGUAGE sql STABLE RETURN array(
    SELECT blocked_id FROM public.blocks WHERE blocker_id = viewer
    UNION ALL SELECT blocker_id FROM public.blocks WHERE blocked_id = viewer
);
CREATE FUNCTION bench_peers.muted(viewer bigint) RETURNS bigint[] LANGUAGE sql STABLE RETURN array(
    SELECT muted_id FROM public.mutes WHERE muter_id = viewer
);
CREATE FUNCTION bench_peers.listed(comment public.comments, blocked bigint[]) RETURNS boolean LANGUAGE sql STABLE RETURN
    (comment).deleted_at IS NULL AND (comment).author_id <> ALL (blocked) AND bench_peers.live((comment).author_id);
CREATE FUNCTION bench_peers.shown(comment public.comments, blocked bigint[]) RETURNS boolean LANGUAGE sql STABLE RETURN CASE
    WHEN bench_peers.listed(comment, blocked) THEN true
    WHEN (SELECT descendant_count > 0 FROM public.comment_stats WHERE comment_id = (comment).id) THEN EXISTS (
        SELECT FROM public.comments AS below
        WHERE below.post_id = (comment).post_id
            AND below.path > (comment).path AND below.path < (comment).path || '\xff'::bytea
            AND bench_peers.listed(below, blocked)
    )
    ELSE false
END;
COMMENT ON FUNCTION bench_peers.live IS E'@behavior -*';
COMMENT ON FUNCTION bench_peers.blocked IS E'@behavior -*';
COMMENT ON FUNCTION bench_peers.muted IS E'@behavior -*';
COMMENT ON FUNCTION bench_peers.listed IS E'@behavior -*';
COMMENT ON FUNCTION bench_peers.shown IS E'@behavior -*';

-- The posts of the first heads hold the page.
CREATE FUNCTION bench_peers.feed(viewer bigint, wanted int) RETURNS SETOF bench_peers.posts
LANGUAGE sql STABLE ROWS 21 BEGIN ATOMIC
    WITH heads AS MATERIALIZED (
        SELECT found.author_id
        FROM (
            SELECT follow.followee_id AS author_id, head.published_at, head.id
            FROM public.user_follows AS follow
            CROSS JOIN LATERAL (
                SELECT id, published_at FROM public.posts
                WHERE author_id = follow.followee_id AND deleted_at IS NULL AND published_at <= now()
                ORDER BY published_at DESC, id DESC LIMIT 1
            ) AS head
            WHERE follow.follower_id = viewer
                AND follow.followee_id <> ALL ((SELECT bench_peers.blocked(viewer))::bigint[])
                AND follow.followee_id <> ALL ((SELECT bench_peers.muted(viewer))::bigint[])
            ORDER BY head.published_at DESC, head.id DESC OFFSET 0
        ) AS found
        WHERE bench_peers.live(found.author_id)
        ORDER BY found.published_at DESC, found.id DESC LIMIT wanted
    ), page AS MATERIALIZED (
        SELECT item.id, item.published_at
        FROM heads
        CROSS JOIN LATERAL (
            SELECT id, published_at FROM public.posts
            WHERE author_id = heads.author_id AND deleted_at IS NULL AND published_at <= now()
            ORDER BY published_at DESC, id DESC LIMIT wanted
        ) AS item
        ORDER BY item.published_at DESC, item.id DESC LIMIT wanted
    )
    SELECT post.* FROM page JOIN bench_peers.posts AS post ON post.id = page.id
    ORDER BY page.published_at DESC, page.id DESC;
END;

CREATE FUNCTION bench_peers.popular(wanted int) RETURNS SETOF bench_peers.posts
LANGUAGE sql STABLE ROWS 21 BEGIN ATOMIC
    WITH page AS MATERIALIZED (
        SELECT rank.post_id, rank.hot_key
        FROM public.post_rank AS rank
        WHERE rank.last_activity_at <= now()
            AND (SELECT deleted_at IS NULL AND published_at <= now() FROM public.posts WHERE id = rank.post_id)
            AND bench_peers.live(rank.author_id)
        ORDER BY rank.hot_key DESC, rank.post_id DESC LIMIT wanted
    )
    SELECT post.* FROM page JOIN bench_peers.posts AS post ON post.id = page.post_id
    ORDER BY page.hot_key DESC, page.post_id DESC;
END;

CREATE FUNCTION bench_peers.accessible_post(viewer bigint, wanted bigint) RETURNS bench_peers.posts
LANGUAGE sql STABLE BEGIN ATOMIC
    SELECT shown.* FROM bench_peers.posts AS shown JOIN public.posts AS post ON post.id = shown.id
    WHERE shown.id = wanted AND post.deleted_at IS NULL AND (
        post.author_id = viewer
        OR (
            post.published_at <= now() AND bench_peers.live(post.author_id)
            AND post.author_id <> ALL ((SELECT bench_peers.blocked(viewer))::bigint[])
        )
    );
END;

CREATE FUNCTION bench_peers.posts_tags(post bench_peers.posts) RETURNS SETOF bench_peers.tags
LANGUAGE sql STABLE ROWS 3 BEGIN ATOMIC
    SELECT tag.id, tag.slug, tag.name
    FROM public.post_tags CROSS JOIN LATERAL (SELECT * FROM public.tags WHERE id = post_tags.tag_id OFFSET 0) AS tag
    WHERE post_tags.post_id = (post).id ORDER BY tag.slug;
END;

-- The only reason in a feed of followed people.
CREATE FUNCTION bench_peers.posts_reason(post bench_peers.posts) RETURNS text LANGUAGE sql STABLE RETURN 'FollowedAuthor';

-- Null if nobody is signed in, as the next one.
CREATE FUNCTION bench_peers.posts_has_liked(post bench_peers.posts, viewer bigint) RETURNS boolean
LANGUAGE sql STABLE RETURN CASE
    WHEN viewer IS NOT NULL THEN EXISTS (SELECT FROM public.post_likes WHERE user_id = viewer AND post_id = (post).id)
END;

CREATE FUNCTION bench_peers.posts_has_bookmarked(post bench_peers.posts, viewer bigint) RETURNS boolean
LANGUAGE sql STABLE RETURN CASE
    WHEN viewer IS NOT NULL THEN EXISTS (SELECT FROM public.bookmarks WHERE user_id = viewer AND post_id = (post).id)
END;

CREATE FUNCTION bench_peers.posts_comment_preview(post bench_peers.posts, viewer bigint, wanted int)
RETURNS SETOF bench_peers.comments LANGUAGE sql STABLE ROWS 3 BEGIN ATOMIC
    SELECT comment.id, comment.author_id, comment.body, comment.created_at
    FROM public.comment_rank AS rank JOIN public.comments AS comment ON comment.id = rank.comment_id
    WHERE rank.post_id = (post).id AND rank.parent_id IS NULL
        AND bench_peers.listed(comment, (SELECT bench_peers.blocked(viewer)))
    ORDER BY rank.like_count DESC, rank.comment_id DESC LIMIT wanted;
END;

CREATE FUNCTION bench_peers.posts_comments(post bench_peers.posts, viewer bigint, wanted int)
RETURNS SETOF bench_peers.comments LANGUAGE sql STABLE ROWS 21 BEGIN ATOMIC
    SELECT comment.id, CASE WHEN is_listed THEN comment.author_id END, CASE WHEN is_listed THEN comment.body END,
        comment.created_at
    FROM public.comment_rank AS rank JOIN public.comments AS comment ON comment.id = rank.comment_id
    CROSS JOIN LATERAL (SELECT bench_peers.listed(comment, (SELECT bench_peers.blocked(viewer))) AS is_listed) AS seen
    WHERE rank.post_id = (post).id AND rank.parent_id IS NULL
        AND bench_peers.shown(comment, (SELECT bench_peers.blocked(viewer)))
    ORDER BY rank.like_count DESC, rank.comment_id DESC LIMIT wanted;
END;

CREATE FUNCTION bench_peers.comments_replies(parent bench_peers.comments, viewer bigint, wanted int)
RETURNS SETOF bench_peers.comments LANGUAGE sql STABLE ROWS 3 BEGIN ATOMIC
    SELECT comment.id, CASE WHEN is_listed THEN comment.author_id END, CASE WHEN is_listed THEN comment.body END,
        comment.created_at
    FROM public.comment_rank AS rank JOIN public.comments AS comment ON comment.id = rank.comment_id
    CROSS JOIN LATERAL (SELECT bench_peers.listed(comment, (SELECT bench_peers.blocked(viewer))) AS is_listed) AS seen
    WHERE rank.parent_id = (parent).id
        AND bench_peers.shown(comment, (SELECT bench_peers.blocked(viewer)))
    ORDER BY rank.like_count DESC, rank.comment_id DESC LIMIT wanted;
END;
