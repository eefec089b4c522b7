-- $1: the viewer; nobody, null, follows nobody. The newest 20 posts of followed authors as JSON.
-- Heads first: whose newest post is not among the 21 newest heads has nothing on the page.
WITH hidden AS MATERIALIZED (
    SELECT array(
        SELECT blocked_id FROM blocks WHERE blocker_id = $1
        UNION ALL SELECT blocker_id FROM blocks WHERE blocked_id = $1
    ) AS blocked, array(SELECT muted_id FROM mutes WHERE muter_id = $1) AS muted
), heads AS MATERIALIZED (
    SELECT found.author_id, found.published_at
    FROM (
        SELECT follow.followee_id AS author_id, head.published_at, head.id
        FROM user_follows AS follow
        CROSS JOIN LATERAL (
            SELECT id, published_at FROM posts
            WHERE author_id = follow.followee_id AND deleted_at IS NULL AND published_at <= now()
            ORDER BY published_at DESC, id DESC LIMIT 1
        ) AS head
        WHERE follow.follower_id = $1
            AND follow.followee_id <> ALL ((SELECT blocked FROM hidden)::bigint[])
            AND follow.followee_id <> ALL ((SELECT muted FROM hidden)::bigint[])
        ORDER BY head.published_at DESC, head.id DESC OFFSET 0
    ) AS found
    WHERE (SELECT suspended_at IS NULL AND deleted_at IS NULL FROM users WHERE users.id = found.author_id)
    ORDER BY found.published_at DESC, found.id DESC LIMIT 21
), page AS MATERIALIZED (
    SELECT item.id, item.published_at
    FROM heads
    CROSS JOIN LATERAL (
        SELECT id, published_at FROM posts
        WHERE author_id = heads.author_id AND deleted_at IS NULL AND published_at <= now()
            AND published_at >= (SELECT CASE WHEN count(*) > 20 THEN min(published_at) ELSE '-infinity' END FROM heads)
        ORDER BY published_at DESC, id DESC LIMIT 21
    ) AS item
    ORDER BY item.published_at DESC, item.id DESC LIMIT 21
)
SELECT concat('{"posts":[', (
    SELECT string_agg(concat(
        '{"id":', post.id, ',"title":', to_json(post.title), ',"body":', to_json(post.body),
        ',"createdAt":', to_json(post.created_at),
        ',"reason":"FollowedAuthor","author":{"id":', author.id, ',"username":"', author.username,
        '","displayName":', to_json(author.display_name),
        ',"avatarUrl":', coalesce(to_json(author.avatar_url), 'null'),
        '},"tags":[', (
            SELECT string_agg(
                concat('{"id":', tag.id, ',"slug":', to_json(tag.slug), ',"name":', to_json(tag.name), '}'),
                ',' ORDER BY tag.slug
            )
            FROM post_tags JOIN tags AS tag ON tag.id = post_tags.tag_id
            WHERE post_tags.post_id = post.id
        ),
        '],"stats":{"likeCount":', coalesce(stats.like_count, 0),
        ',"commentCount":', coalesce(stats.comment_count, 0),
        ',"bookmarkCount":', coalesce(stats.bookmark_count, 0),
        '},"viewerState":{"hasLiked":', CASE WHEN EXISTS (
            SELECT FROM post_likes WHERE user_id = $1 AND post_id = post.id
        ) THEN 'true' ELSE 'false' END,
        ',"hasBookmarked":', CASE WHEN EXISTS (
            SELECT FROM bookmarks WHERE user_id = $1 AND post_id = post.id
        ) THEN 'true' ELSE 'false' END,
        '},"commentPreview":[', (
            SELECT string_agg(shown.text, ',')
            FROM (
                SELECT concat(
                    '{"id":', comment.id, ',"body":', to_json(comment.body),
                    ',"createdAt":', to_json(comment.created_at),
                    ',"author":{"id":', writer.id, ',"username":"', writer.username,
                    '","displayName":', to_json(writer.display_name),
                    ',"avatarUrl":', coalesce(to_json(writer.avatar_url), 'null'), '}}'
                ) AS text
                FROM comment_rank AS rank
                JOIN comments AS comment ON comment.id = rank.comment_id AND comment.deleted_at IS NULL
                JOIN users AS writer
                    ON writer.id = comment.author_id AND writer.suspended_at IS NULL AND writer.deleted_at IS NULL
                WHERE rank.post_id = post.id AND rank.parent_id IS NULL
                    AND comment.author_id <> ALL ((SELECT blocked FROM hidden)::bigint[])
                ORDER BY rank.like_count DESC, rank.comment_id DESC LIMIT 3
            ) AS shown
        ),
        ']}'
    ), ',' ORDER BY page.published_at DESC, page.id DESC)
    FROM (SELECT * FROM page ORDER BY published_at DESC, id DESC LIMIT 20) AS page
    JOIN posts AS post ON post.id = page.id
    JOIN users AS author ON author.id = post.author_id
    LEFT JOIN post_stats AS stats ON stats.post_id = post.id
), '],"hasNextPage":', CASE WHEN (SELECT count(*) > 20 FROM page) THEN 'true' ELSE 'false' END, '}')
