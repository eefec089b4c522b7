-- The 1,000 best posts by hot key that everybody may see: read once a minute, as the service does.
SELECT array(
    SELECT rank.post_id
    FROM post_rank AS rank
    WHERE rank.last_activity_at <= now()
        AND (SELECT deleted_at IS NULL AND published_at <= now() FROM posts WHERE posts.id = rank.post_id)
        AND (SELECT suspended_at IS NULL AND deleted_at IS NULL FROM users WHERE users.id = rank.author_id)
    ORDER BY rank.hot_key DESC, rank.post_id DESC LIMIT 1000
)
