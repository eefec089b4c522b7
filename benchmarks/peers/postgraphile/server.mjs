// The peer PostGraphile V5: its Amber preset over the schema bench_peers (schema.sql), by grafserv on node:http.
// The viewer is a variable of the documents. Usage: node server.mjs PORT
import { createServer } from 'node:http'
import { postgraphile } from 'postgraphile'
import { makePgService } from 'postgraphile/adaptors/pg'
import { grafserv } from 'postgraphile/grafserv/node'
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber'

const url = new URL(process.env.DATABASE_URL.replace('postgresql+asyncpg:', 'postgresql:'))
url.searchParams.set('options', '-c jit=off')
url.searchParams.set('application_name', 'feed_service_peer')

const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [makePgService({ connectionString: url.href, schemas: ['bench_peers'], poolConfig: { max: 8 } })],
  grafserv: { graphqlPath: '/graphql', graphiql: false, watch: false },
  grafast: { explain: false }
})
const server = createServer()
await instance.createServ(grafserv).addTo(server)
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`))
