// The peer PostGraphile V5: its Amber preset over the schema bench_peers (schema.sql), by grafserv on node:http.
// The viewer is a variable of the documents. Usage: node server.mjs PORT
import './production.mjs'
import { createServer } from 'node:http'
import pg from 'pg'
import { postgraphile } from 'postgraphile'
import { makePgService } from 'postgraphile/adaptors/pg'
import { grafserv } from 'postgraphile/grafserv/node'
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber'
import { database } from './address.mjs'

const pool = new pg.Pool({
  ...database(process.env.DATABASE_URL), max: 10, options: '-c jit=off', application_name: 'feed_service_peer'
})

const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [makePgService({ pool, schemas: ['bench_peers'] })],
  grafserv: { graphqlPath: '/graphql', graphiql: false, watch: false },
  grafast: { explain: false }
})
const server = createServer()
await instance.createServ(grafserv).addTo(server)
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`))
