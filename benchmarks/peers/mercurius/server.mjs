// The peer Mercurius: fastify, graphql-jit from the second run of a document on, loaders that batch, and postgres.js with
// prepared statements. The viewer is the local id in the header X-Viewer. Usage: node server.mjs PORT
import './production.mjs'
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import mercurius from 'mercurius'
import postgres from 'postgres'
import { database } from './address.mjs'
import * as statements from './statements.mjs'

const RANKING_TTL_MS = 60_000
const LAST_PLACE = ['infinity', '9223372036854775807']
const MOST = '9223372036854775807'

const address = database(process.env.DATABASE_URL)
const sql = postgres({
  ...address,
  path: address.host.startsWith('/') ? `${address.host}/.s.PGSQL.${address.port}` : undefined,
  max: 10,
  prepare: true,
  connection: { application_name: 'feed_service_peer', jit: 'off', plan_cache_mode: 'force_generic_plan' },
  types: {
    // Numbers: ids and counts stay far below 2^53.
    bigint: { to: 20, from: [20], parse: Number, serialize: String },
    // Text of PostgreSQL: a Date would lose the microseconds.
    moment: { to: 1184, from: [1184], parse: (text) => text.replace(' ', 'T') + ':00', serialize: String }
  }
})
const rows = (text, values) => sql.unsafe(text, values, { prepare: true })

// A loader knows its parents by their JSON: an id is quicker to write than a row.
class Row { constructor (row) { Object.assign(this, row) } toJSON () { return this.localId } }

const globalId = (type, id) => Buffer.from(`${type}:${id}`).toString('base64url')
const cursorOf = (...key) => Buffer.from(key.join('|')).toString('base64url')
const keyIn = (cursor) => Buffer.from(cursor, 'base64url').toString().split('|')

const postOf = (row) => new Row({
  localId: row.id,
  id: globalId('Post', row.id),
  authorId: row.author_id,
  slug: row.slug,
  title: row.title,
  body: row.body,
  createdAt: row.created_at,
  stats: { likeCount: row.like_count, commentCount: row.comment_count, bookmarkCount: row.bookmark_count }
})
const commentOf = (row) => new Row({
  localId: row.id,
  id: globalId('Comment', row.id),
  authorId: row.author_id,
  body: row.is_tombstone ? null : row.body,
  isTombstone: row.is_tombstone,
  createdAt: row.created_at
})
const userOf = (row) => (
  { id: globalId('User', row.id), username: row.username, displayName: row.display_name, avatarUrl: row.avatar_url }
)

const connection = (found, first, edgeOf) => {
  const edges = found.slice(0, first).map(edgeOf)
  return {
    edges,
    get nodes () { return edges.map((edge) => edge.node) },
    pageInfo: { hasNextPage: found.length > first, endCursor: edges.length ? edges[edges.length - 1].cursor : null }
  }
}

let ranking = { ids: [], readAt: -Infinity }

async function rankedRows (viewer, first, after) {
  if (performance.now() - ranking.readAt >= RANKING_TTL_MS) {
    ranking = { ids: (await rows(statements.RANKING, []))[0].ids, readAt: performance.now() }
  }
  const start = after ? ranking.ids.indexOf(Number(keyIn(after)[0])) + 1 : 0
  const found = await rows(statements.RANKED, [viewer, ranking.ids.slice(start, start + first + 1)])
  return found.length > first ? found : rows(statements.RANKED, [viewer, ranking.ids.slice(start)])
}

async function feed (_, { kind, first, after, order }, { viewer }) {
  if (kind === 'POPULAR' && (order ?? 'HOT') === 'HOT') {
    const reason = { __typename: 'TrendingNow' }
    return connection(await rankedRows(viewer, first, after), first, (row) => (
      { cursor: cursorOf(row.id), node: postOf(row), reason }
    ))
  }
  if (kind !== 'FOLLOWING_USERS' || (order ?? 'NEWEST') !== 'NEWEST') throw new Error(`There is no ${kind} by ${order}.`)
  const found = await rows(statements.followedPage(first), [viewer, ...(after ? keyIn(after) : LAST_PLACE)])
  const reason = { __typename: 'FollowedAuthor' }
  return connection(found, first, (row) => (
    { cursor: cursorOf(row.published_at, row.id), node: postOf(row), reason }
  ))
}

async function post (_, { by }, { viewer }) {
  const [type, id] = Buffer.from(by.id, 'base64url').toString().split(':')
  if (type !== 'Post') throw new Error('This is not the id of a post.')
  const found = await rows(statements.POST_BY_ID, [viewer, id])
  return found.length ? postOf(found[0]) : null
}

const localIds = (queries) => queries.map(({ obj }) => obj.localId)

async function authors (queries) {
  const wanted = new Set()
  for (const { obj } of queries) if (!obj.isTombstone) wanted.add(obj.authorId)
  const byId = new Map()
  if (wanted.size) for (const row of await rows(statements.USERS, [[...wanted]])) byId.set(row.id, userOf(row))
  return queries.map(({ obj }) => (obj.isTombstone ? null : byId.get(obj.authorId) ?? null))
}

function grouped (ids, found, make) {
  const byId = new Map(ids.map((id) => [id, []]))
  for (const row of found) byId.get(row.parent_id ?? row.post_id).push(make(row))
  return ids.map((id) => byId.get(id))
}

async function tags (queries) {
  const ids = localIds(queries)
  const found = await rows(statements.TAGS, [ids])
  return grouped(ids, found, (row) => ({ id: globalId('Tag', row.id), slug: row.slug, name: row.name }))
}

async function viewerState (queries, { viewer }) {
  if (viewer === null) return queries.map(() => null)
  const ids = localIds(queries)
  const found = await rows(statements.VIEWER_STATES, [viewer, ids])
  const byId = new Map(found.map((row) => [row.post_id, { hasLiked: row.has_liked, hasBookmarked: row.has_bookmarked }]))
  return ids.map((id) => byId.get(id))
}

async function commentPreview (queries, { viewer }) {
  const ids = localIds(queries)
  return grouped(ids, await rows(statements.previews(queries[0].params.first), [viewer, ids]), commentOf)
}

// All parents of one place in a document have the same arguments.
const pages = (statement) => async (queries, { viewer }) => {
  const { first, after, order } = queries[0].params
  if (order !== 'TOP') throw new Error(`There are no comments by ${order}.`)
  const ids = localIds(queries)
  const found = await rows(statement(first), [viewer, ids, ...(after ? keyIn(after) : [MOST, MOST])])
  return grouped(ids, found, (row) => row).map((page) => connection(page, first, (row) => (
    { cursor: cursorOf(row.like_count, row.id), node: commentOf(row) }
  )))
}

const loaders = {
  Post: { author: authors, tags, viewerState, commentPreview, comments: pages(statements.roots) },
  Comment: { author: authors, replies: pages(statements.replies) }
}

const app = Fastify({ logger: false })
app.register(mercurius, {
  schema: readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'),
  resolvers: { Query: { feed, post } },
  loaders,
  jit: 1,
  context: ({ headers }) => ({ viewer: headers['x-viewer'] ? Number(headers['x-viewer']) : null })
})
console.log(await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) }) + '/')
