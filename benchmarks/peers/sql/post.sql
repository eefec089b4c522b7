-- $1: the viewer, who may be null; $2: the post. The post as JSON, with 20 comments and three replies to each.
-- A comment that is not listed is shown as a tombstone if a listed one lies below it.
WITH hidden AS MATERIALIZED (
    SELECT array(
        SELECT blocked_id FROM blocks WHERE blocker_id = $1
        UNION ALL SELECT blocker_id FROM blocks WHERE blocked_id = $1
    ) AS blocked
), roots AS MATERIALIZED (
    SELECT comment.id, comment.body, comment.created_at, rank.like_count, is_listed,
        writer.id AS writer_id, writer.username, writer.display_name, writer.avatar_url
    FROM comment_rank AS rank
    JOIN comments AS comment ON comment.id = rank.comment_id
    JOIN users AS writer ON writer.id = comment.author_id
    CROSS JOIN LATERAL (
        SELECT comment.deleted_at IS NULL AND writer.suspended_at IS NULL AND writer.deleted_at IS NULL
            AND writer.id <> ALL ((SELECT blocked FROM hidden)::bigint[]) AS is_listed
    ) AS listed
    WHERE rank.post_id = $2 AND rank.parent_id IS NULL AND CASE
        WHEN is_listed THEN true
        WHEN (SELECT descendant_count > 0 FROM comment_stats WHERE comment_id = comment.id) THEN EXISTS (
            SELECT FROM comments AS below JOIN users ON users.id = below.author_id
            WHERE below.post_id = comment.post_id
                AND below.path > comment.path AND below.path < comment.path || '\xff'::bytea
                AND below.deleted_at IS NULL AND users.suspended_at IS NULL AND users.deleted_at IS NULL
                AND below.author_id <> ALL ((SELECT blocked FROM hidden)::bigint[])
        )
        ELSE false
    END
    ORDER BY rank.like_count DESC, rank.comment_id DESC LIMIT 21
)
SELECT concat(
    '{"id":', post.id, ',"title":', to_json(post.title), ',"body":', to_json(post.body),
    ',"createdAt":', to_json(post.created_at),
    ',"author":{"id":', author.id, ',"username":"', author.username,
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
    '},"viewerState":', CASE WHEN $1 IS NOT NULL THEN concat(
        '{"hasLiked":', CASE WHEN EXISTS (
            SELECT FROM post_likes WHERE user_id = $1 AND post_id = post.id
        ) THEN 'true' ELSE 'false' END,
        ',"hasBookmarked":', CASE WHEN EXISTS (
            SELECT FROM bookmarks WHERE user_id = $1 AND post_id = post.id
        ) THEN 'true' ELSE 'false' END, '}'
    ) ELSE 'null' END,
    ',"comments":[', (
        SELECT string_agg(concat(
            '{"id":', root.id, ',"createdAt":', to_json(root.created_at), CASE WHEN root.is_listed THEN concat(
                ',"body":', to_json(root.body), ',"author":{"id":', root.writer_id,
                ',"username":"', root.username, '","displayName":', to_json(root.display_name),
                ',"avatarUrl":', coalesce(to_json(root.avatar_url), 'null'), '}'
            ) ELSE ',"body":null,"author":null' END,
            ',"replies":[', (
                SELECT string_agg(reply.text, ',')
                FROM (
                    SELECT concat(
                        '{"id":', comment.id, ',"createdAt":', to_json(comment.created_at),
                        CASE WHEN is_listed THEN concat(
                            ',"body":', to_json(comment.body), ',"author":{"id":', writer.id,
                            ',"username":"', writer.username, '","displayName":', to_json(writer.display_name),
                            ',"avatarUrl":', coalesce(to_json(writer.avatar_url), 'null'), '}'
                        ) ELSE ',"body":null,"author":null' END, '}'
                    ) AS text
                    FROM comment_rank AS rank
                    JOIN comments AS comment ON comment.id = rank.comment_id
                    JOIN users AS writer ON writer.id = comment.author_id
                    CROSS JOIN LATERAL (
                        SELECT comment.deleted_at IS NULL
                            AND writer.suspended_at IS NULL AND writer.deleted_at IS NULL
                            AND writer.id <> ALL ((SELECT blocked FROM hidden)::bigint[]) AS is_listed
                    ) AS listed
                    WHERE rank.parent_id = root.id AND CASE
                        WHEN is_listed THEN true
                        WHEN (SELECT descendant_count > 0 FROM comment_stats WHERE comment_id = comment.id) THEN EXISTS (
                            SELECT FROM comments AS below JOIN users ON users.id = below.author_id
                            WHERE below.post_id = comment.post_id
                                AND below.path > comment.path AND below.path < comment.path || '\xff'::bytea
                                AND below.deleted_at IS NULL AND users.suspended_at IS NULL AND users.deleted_at IS NULL
                                AND below.author_id <> ALL ((SELECT blocked FROM hidden)::bigint[])
                        )
                        ELSE false
                    END
                    ORDER BY rank.like_count DESC, rank.comment_id DESC LIMIT 3
                ) AS reply
            ), ']}'
        ), ',' ORDER BY root.like_count DESC, root.id DESC)
        FROM (SELECT * FROM roots ORDER BY like_count DESC, id DESC LIMIT 20) AS root
    ), '],"hasNextPage":', CASE WHEN (SELECT count(*) > 20 FROM roots) THEN 'true' ELSE 'false' END, '}'
)
FROM posts AS post
JOIN users AS author ON author.id = post.author_id
LEFT JOIN post_stats AS stats ON stats.post_id = post.id
WHERE post.id = $2 AND post.deleted_at IS NULL AND (
    post.author_id = $1
    OR (
        post.published_at <= now() AND author.suspended_at IS NULL AND author.deleted_at IS NULL
        AND post.author_id <> ALL ((SELECT blocked FROM hidden)::bigint[])
    )
)
