/** How questions are sent: persisted documents by GET with If-None-Match; the full text when a server asks for it. */

const TIMEOUT_MS = 30_000;
const FIELDS =
  "id slug title excerpt publishedAt version author { id username displayName } stats { likeCount commentCount }";

/** The texts, for a manifest of trusted documents too. `fields` is the selection on Post; `id` must be in it. */
export function pollerDocuments(fields = FIELDS) {
  const edge = `position cursor reason { __typename } node { ${fields} }`;
  return {
    feed:
      "query PollFeed($kind: FeedKind!, $filter: FeedFilter, $first: Int, $after: String, $before: String) { " +
      "feed(kind: $kind, filter: $filter, first: $first, after: $after, before: $before) { " +
      `edges { ${edge} } pageInfo { hasNextPage endCursor } head { token pollAfterSeconds } ` +
      "gap { after before missing { value isCapped } } snapshot { restarted } } }",
    changes:
      "query PollChanges($kind: FeedKind!, $filter: FeedFilter, $since: SyncToken!) { " +
      "feedChanges(kind: $kind, filter: $filter, since: $since) { " +
      `added { ${edge} } updated { ${fields} } removedIds nextToken hasMore resetRequired pollAfterSeconds } }`,
    head:
      "query PollHead($kind: FeedKind!, $filter: FeedFilter, $since: SyncToken!) { " +
      "feedHead(kind: $kind, filter: $filter, since: $since) { " +
      "newCount { value isCapped } newAuthors { id username displayName } resetRequired pollAfterSeconds } }",
  };
}

/** `code`: that of the GraphQL error, or HTTP_503 and the like, NETWORK, TIMEOUT, STOPPED. */
export class PollError extends Error {
  constructor(code, message, retryAfterMs = 0) {
    super(message);
    this.name = "PollError";
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

export class Requests {
  #options;
  #documents;
  #hashes;
  #seen = { url: "", etag: "" };
  #consistencyToken = null;
  #isOn = false;
  #underWay = null;

  constructor(options) {
    this.#options = options;
    this.#documents = pollerDocuments(options.fields);
    this.#hashes = { ...options.hashes };
  }

  /** Sent with all that follows until one is answered: no answer is then older than that write. */
  wrote(consistencyToken) {
    this.#consistencyToken = consistencyToken;
  }

  start() {
    this.#isOn = true;
  }

  stop() {
    this.#isOn = false;
    this.#underWay?.abort(new PollError("STOPPED", "The poller was stopped."));
  }

  /**
   * The data of an answer; null for a 304. Raises PollError.
   * `isFresh`: an answer of now, whatever caches hold. `isPost`: no cache on the way may answer.
   */
  async ask(name, variables, { isFresh = false, isPost = false } = {}) {
    const hash = await this.#hashOf(name);
    const asked = { variables, ...(hash && { extensions: { persistedQuery: { version: 1, sha256Hash: hash } } }) };
    const whole = { query: this.#documents[name], ...asked };
    try {
      return await (isPost ? this.#post(hash ? asked : whole) : this.#get(hash ? asked : whole, isFresh));
    } catch (error) {
      if (error.code !== "PERSISTED_QUERY_NOT_FOUND") throw error;
      return this.#post(whole); // Now the server knows it.
    }
  }

  /** Null where neither a hash was given nor can be computed (Node 18, pages without https): the text is sent then. */
  async #hashOf(name) {
    const subtle = globalThis.crypto?.subtle;
    if (!this.#hashes[name] && subtle) {
      const bytes = new Uint8Array(await subtle.digest("SHA-256", new TextEncoder().encode(this.#documents[name])));
      this.#hashes[name] = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    }
    return this.#hashes[name] ?? null;
  }

  /** The ETag is kept here, not in the browser's cache: so a 304 needs no body, and a new access token keeps it. */
  async #get(asked, isFresh) {
    const { query, ...json } = asked;
    const parameters = new URLSearchParams(query && { query });
    for (const [name, value] of Object.entries(json)) parameters.set(name, JSON.stringify(value));
    const url = `${this.#options.url}?${parameters}`;
    const isKnown = !isFresh && this.#seen.url === url;
    const headers = isKnown ? { "If-None-Match": this.#seen.etag } : {};
    const response = await this.#send(url, { headers, cache: isFresh ? "reload" : "default" });
    if (response.isUnchanged) return null;
    // Another origin's ETag may be hidden from scripts; the browser's own cache does the asking then.
    this.#seen = response.etag ? { url, etag: response.etag } : { url: "", etag: "" };
    return response.data;
  }

  async #post(asked) {
    const headers = { "Content-Type": "application/json" };
    return (await this.#send(this.#options.url, { method: "POST", headers, body: JSON.stringify(asked) })).data;
  }

  async #send(url, init) {
    const { fetch, timers, token } = this.#options;
    if (!this.#isOn) throw new PollError("STOPPED", "The poller was stopped.");
    const controller = (this.#underWay = new AbortController());
    const late = new PollError("TIMEOUT", "There was no answer in time.");
    const timer = timers.setTimeout(() => controller.abort(late), TIMEOUT_MS);
    const consistencyToken = this.#consistencyToken;
    try {
      const accessToken = typeof token === "function" ? await token() : token;
      const headers = {
        Accept: "application/graphql-response+json, application/json;q=0.9",
        ...(accessToken && { Authorization: `Bearer ${accessToken}` }),
        ...(consistencyToken && { "Feed-Consistency": consistencyToken }),
        ...init.headers,
      };
      const answer = await answerOf(await fetch(url, { ...init, headers, signal: controller.signal }));
      if (this.#consistencyToken === consistencyToken) this.#consistencyToken = null;
      return answer;
    } catch (error) {
      if (error instanceof PollError) throw error;
      throw controller.signal.aborted ? controller.signal.reason : new PollError("NETWORK", String(error));
    } finally {
      timers.clearTimeout(timer);
    }
  }
}

async function answerOf(response) {
  if (response.status === 304) return { isUnchanged: true };
  const body = await response.json().catch(() => null);
  if (body?.data) return { data: body.data, etag: response.headers.get("ETag") };
  const { message = `HTTP status ${response.status}`, extensions = {} } = body?.errors?.[0] ?? {};
  const code = response.status === 401 ? "UNAUTHENTICATED" : (extensions.code ?? `HTTP_${response.status}`);
  throw new PollError(code, message, Math.max(retryAfterMs(response), (extensions.retryAfterSeconds ?? 0) * 1_000));
}

/** The header is a number of seconds or a date; 0 without it. */
function retryAfterMs(response) {
  const value = response.headers.get("Retry-After");
  if (value === null) return 0;
  const wait = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return Math.max(0, wait || 0);
}
