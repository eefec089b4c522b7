// Where the database is, from DATABASE_URL: over TCP, or in a folder with a socket, which is no URL for JavaScript.
const FORM = /^postgres(?:ql)?(?:\+\w+)?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^:/?]*)(?::(\d+))?\/([^?]*)\??(.*)$/

export function database (text) {
  const [, user, password, host, port, name, query] = FORM.exec(text)
  const named = new URLSearchParams(query)
  return {
    host: named.get('host') || host || '127.0.0.1',
    port: Number(named.get('port') || port || 5432),
    database: decodeURIComponent(name),
    user: decodeURIComponent(user || named.get('user') || 'postgres'),
    password: decodeURIComponent(password || named.get('password') || '')
  }
}
