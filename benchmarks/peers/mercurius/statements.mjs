// What is asked of PostgreSQL: one text for each, so that each is prepared once. Sizes stand in the text, because a
// generic plan takes a parameter of LIMIT for a tenth of all rows. Visibility is that of the service.
const OFTEN = new Map()

const kept = (build) => (size) => {
  const key = build.name + size
  if (!OFTEN.has(key)) OFTEN.set(key, build(Number(size)))
  return OFTEN.get(key)
}

const liveUser = (id) => `(SELECT suspended_at IS NULL AND deleted_at IS NULL FROM users WHERE users.id = ${id})`

const notBlocked = (id) => `${id} <> ALL (array(
  SELECT blocked_id FROM blocks WHERE blocker_id = $1 UNION ALL SELECT blocker_id FROM blocks WHERE blocked_id = $1
))`

const POST = `post.id, post.author_id, post.slug, post.title, post.body, post.created_at,
  coalesce(stats.like_count, 0) AS like_count, coalesce(stats.comment_count, 0) AS comment_count,
  coalesce(stats.bookmark_count, 0) AS bookmark_count`

const listed = (comment) => `(${comment}.deleted_at IS NULL AND ${liveUser(`${comment}.author_id`)}
  AND ${notBlocked(`${comment}.author_id`)})`

// A comment that is not listed is a tombstone if a listed one lies below it.
const shown = `(CASE WHEN ${listed('comment')} THEN true
  WHEN (SELECT descendant_count > 0 FROM comment_stats WHERE comment_id = comment.id) THEN EXISTS (
    SELECT FROM comments AS below WHERE below.post_id = comment.post_id
      AND below.path > comment.path AND below.path < comment.path || '\\xff'::bytea AND ${listed('below')})
  ELSE false END)`

// $1 viewer, $2 and $3 the place of the cursor. The posts of the first n + 1 heads hold the page.
export const followedPage = kept(function followedPage (first) {
  const written = (author) => `SELECT id, published_at FROM posts WHERE author_id = ${author} AND deleted_at IS NULL
    AND published_at <= now() AND (published_at, id) < ($2::timestamptz, $3::bigint)
    ORDER BY published_at DESC, id DESC`
  return `WITH heads AS MATERIALIZED (
    SELECT found.author_id FROM (
      SELECT follow.followee_id AS author_id, head.published_at, head.id
      FROM user_follows AS follow CROSS JOIN LATERAL (${written('follow.followee_id')} LIMIT 1) AS head
      WHERE follow.follower_id = $1 AND ${notBlocked('follow.followee_id')}
        AND follow.followee_id <> ALL (array(SELECT muted_id FROM mutes WHERE muter_id = $1))
      ORDER BY head.published_at DESC, head.id DESC OFFSET 0
    ) AS found WHERE ${liveUser('found.author_id')}
    ORDER BY found.published_at DESC, found.id DESC LIMIT ${first + 1}
  ), page AS MATERIALIZED (
    SELECT item.id, item.published_at
    FROM heads CROSS JOIN LATERAL (${written('heads.author_id')} LIMIT ${first + 1}) AS item
    ORDER BY item.published_at DESC, item.id DESC LIMIT ${first + 1}
  )
  SELECT ${POST}, page.published_at FROM page JOIN posts AS post ON post.id = page.id
  LEFT JOIN post_stats AS stats ON stats.post_id = post.id
  ORDER BY page.published_at DESC, page.id DESC`
})

export const RANKING = `SELECT array(
  SELECT rank.post_id FROM post_rank AS rank WHERE rank.last_activity_at <= now()
    AND (SELECT deleted_at IS NULL AND published_at <= now() FROM posts WHERE posts.id = rank.post_id)
    AND ${liveUser('rank.author_id')}
  ORDER BY rank.hot_key DESC, rank.post_id DESC LIMIT 1000) AS ids`

// $1 viewer, $2 places of the ranking.
export const RANKED = `SELECT ${POST}, best.id AS place_id
  FROM unnest($2::bigint[]) WITH ORDINALITY AS best (id, place)
  JOIN posts AS post ON post.id = best.id LEFT JOIN post_stats AS stats ON stats.post_id = post.id
  WHERE post.deleted_at IS NULL AND post.published_at <= now() AND ${liveUser('post.author_id')}
    AND ${notBlocked('post.author_id')}
    AND post.author_id <> ALL (array(SELECT muted_id FROM mutes WHERE muter_id = $1))
  ORDER BY best.place`

export const POST_BY_ID = `SELECT ${POST} FROM posts AS post
  LEFT JOIN post_stats AS stats ON stats.post_id = post.id
  WHERE post.id = $2 AND post.deleted_at IS NULL AND (post.author_id = $1
    OR (post.published_at <= now() AND ${liveUser('post.author_id')} AND ${notBlocked('post.author_id')}))`

export const USERS = `SELECT id, username, display_name, avatar_url FROM users WHERE id = ANY ($1::bigint[])`

// OFFSET 0 keeps the look at each tag: a generic plan would rather hash all of them.
export const TAGS = `SELECT post_tags.post_id, tag.id, tag.slug, tag.name
  FROM post_tags CROSS JOIN LATERAL (SELECT * FROM tags WHERE tags.id = post_tags.tag_id OFFSET 0) AS tag
  WHERE post_tags.post_id = ANY ($1::bigint[]) ORDER BY post_tags.post_id, tag.slug`

export const VIEWER_STATES = `SELECT post_id,
    EXISTS (SELECT FROM post_likes AS mine WHERE mine.user_id = $1 AND mine.post_id = asked.post_id) AS has_liked,
    EXISTS (SELECT FROM bookmarks AS mine WHERE mine.user_id = $1 AND mine.post_id = asked.post_id) AS has_bookmarked
  FROM unnest($2::bigint[]) AS asked (post_id)`

// $1 viewer, $2 the parents, and for pages $3 and $4 the place of the cursor.
const siblings = (size, place, columns, seen, bound) => `SELECT parents.id AS parent_id, page.*
  FROM unnest($2::bigint[]) AS parents (id) CROSS JOIN LATERAL (
    SELECT comment.id, comment.author_id, comment.created_at, comment.body, rank.like_count${columns}
    FROM comment_rank AS rank JOIN comments AS comment ON comment.id = rank.comment_id
    WHERE ${place} AND ${seen} ${bound}
    ORDER BY rank.like_count DESC, rank.comment_id DESC LIMIT ${size}
  ) AS page`
const AFTER = 'AND (rank.like_count, rank.comment_id) < ($3::bigint, $4::bigint)'
const TOMBSTONE = `, NOT ${listed('comment')} AS is_tombstone`
const ROOTS = 'rank.post_id = parents.id AND rank.parent_id IS NULL'

export const previews = kept(function previews (first) {
  return siblings(first, ROOTS, ', false AS is_tombstone', listed('comment'), '')
})

export const roots = kept(function roots (first) {
  return siblings(first + 1, ROOTS, TOMBSTONE, shown, AFTER)
})

export const replies = kept(function replies (first) {
  return siblings(first + 1, 'rank.parent_id = parents.id', TOMBSTONE, shown, AFTER)
})
