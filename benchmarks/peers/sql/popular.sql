-- $1: the first places of the ranking, best first. The 20 posts of them that everybody may see, as JSON.
WITH page AS MATERIALIZED (
    SELECT best.place, post.id, post.title, post.created_at,
        author.id AS author_id, author.username, author.display_name, author.avatar_url
    FROM unnest($1::bigint[]) WITH ORDINALITY AS best (id, place)
    JOIN posts AS post ON post.id = best.id AND post.deleted_at IS NULL AND post.published_at <= now()
    JOIN users AS author
        ON author.id = post.author_id AND author.suspended_at IS NULL AND author.deleted_at IS NULL
    ORDER BY best.place LIMIT 21
)
SELECT (SELECT count(*) > 20 FROM page) AS goes_on, concat('{"posts":[', (
    SELECT string_agg(concat(
        '{"id":', page.id, ',"title":', to_json(page.title), ',"createdAt":', to_json(page.created_at),
        ',"author":{"id":', page.author_id, ',"username":"', page.username,
        '","displayName":', to_json(page.display_name),
        ',"avatarUrl":', coalesce(to_json(page.avatar_url), 'null'),
        '},"stats":{"likeCount":', coalesce(stats.like_count, 0),
        ',"commentCount":', coalesce(stats.comment_count, 0),
        ',"bookmarkCount":', coalesce(stats.bookmark_count, 0), '}}'
    ), ',' ORDER BY page.place)
    FROM (SELECT * FROM page ORDER BY place LIMIT 20) AS page
    LEFT JOIN post_stats AS stats ON stats.post_id = page.id
), '],"hasNextPage":', CASE WHEN (SELECT count(*) > 20 FROM page) THEN 'true' ELSE 'false' END, '}') AS body
