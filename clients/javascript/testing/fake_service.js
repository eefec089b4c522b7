/** A service of one feed in memory: the protocol of docs/polling.md, as small as it can be. */

import { pollerDocuments } from "../feed_poller.js";

const DOCUMENTS = pollerDocuments();
const WINDOW = 3; // Posts in one answer of feedChanges.
const LATENCY_MS = 100;

export const HASHES = { feed: "hash of feed", changes: "hash of changes", head: "hash of head" };

export class FakeService {
  url = "https://feed.example/graphql";
  requests = [];
  pollAfterSeconds = 10;
  mostAtOnce = 0;
  /** As POPULAR: whether cursors of before are still good. */
  ranking = null;
  /** Takes a request; what it returns or throws comes instead of the answer. */
  fault = () => null;

  #clock;
  #posts = new Map();
  #log = [];
  #epoch = 1;
  #known = new Set();
  #underWay = 0;

  constructor(clock) {
    this.#clock = clock;
  }

  publish(id, position) {
    this.#change(id, { id, position, version: 1, isListed: true });
  }

  edit(id) {
    const post = this.#posts.get(id);
    this.#change(id, { ...post, version: post.version + 1 });
  }

  setListed(id, isListed) {
    this.#change(id, { ...this.#posts.get(id), isListed });
  }

  /** Tokens of before are no longer understood, as after a fail-over. */
  renewEpoch() {
    this.#epoch += 1;
  }

  forgetDocuments() {
    this.#known.clear();
  }

  get ids() {
    return [...this.#posts.keys()];
  }

  get edges() {
    const listed = [...this.#posts.values()].filter((post) => post.isListed);
    return listed.sort((a, b) => (a.position < b.position ? 1 : -1)).map(edgeOf);
  }

  of(name) {
    return this.requests.filter((request) => request.name === name);
  }

  fetch = async (url, { method = "GET", headers, body, signal, cache }) => {
    const asked = method === "GET" ? inUrl(url) : JSON.parse(body);
    const request = { at: this.#clock.now(), method, headers, cache, ...asked };
    request.name = nameOf(request);
    this.requests.push(request);
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#underWay);
    try {
      await this.#passed(this.#clock.sleep(LATENCY_MS / 2), signal);
      const fault = await this.#passed(this.fault(request), signal);
      const answer = fault ?? this.#answer(request);
      await this.#passed(this.#clock.sleep(LATENCY_MS / 2), signal);
      request.status = answer.status;
      return answer;
    } finally {
      this.#underWay -= 1;
    }
  };

  /** What `promise` gives, unless the client leaves before. */
  #passed(promise, signal) {
    const stopped = new Promise((_, reject) => {
      if (signal.aborted) reject(signal.reason);
      signal.addEventListener("abort", () => reject(signal.reason));
    });
    return Promise.race([promise, stopped]);
  }

  #change(id, post) {
    this.#log.push({ id, wasListed: this.#posts.get(id)?.isListed ?? false });
    this.#posts.set(id, post);
  }

  #answer({ name, query, extensions, method, headers, variables }) {
    const hash = extensions?.persistedQuery.sha256Hash;
    if (query && hash) this.#known.add(hash);
    if (!query && !this.#known.has(hash)) return refusal(200, "PERSISTED_QUERY_NOT_FOUND");
    const etag = `W/"${this.#epoch}.${this.#log.length}"`;
    if (method === "GET" && headers["If-None-Match"] === etag) return new Response(null, { status: 304 });
    const data = { feed: () => this.#feed(variables), changes: () => this.#changes(variables) }[name];
    return Response.json({ data: (data ?? (() => this.#head(variables)))() }, { headers: { ETag: etag } });
  }

  #feed({ first, after = "p~", before = "" }) {
    const all = this.edges;
    const isRestarted = this.ranking !== null && after !== "p~" && !this.ranking.isKept;
    if (isRestarted) after = "p~";
    const between = all.filter((edge) => edge.cursor < after && edge.cursor > before);
    const edges = between.slice(0, first);
    const endCursor = edges.at(-1)?.cursor ?? null;
    const left = between.length - edges.length;
    const missing = { value: Math.min(left, 100), isCapped: left > 100 };
    return {
      feed: {
        edges,
        pageInfo: { hasNextPage: all.some((edge) => edge.cursor < (endCursor ?? after)), endCursor },
        head: { token: this.#token(this.#log.length), pollAfterSeconds: this.pollAfterSeconds },
        snapshot: this.ranking && { restarted: isRestarted },
        gap: before && missing.value > 0 ? { after: endCursor, before, missing } : null,
      },
    };
  }

  #changes({ since }) {
    const [epoch, from] = since.split(".").map(Number);
    const touched = new Map();
    let upto = from;
    for (; upto < this.#log.length && (touched.size < WINDOW || touched.has(this.#log[upto].id)); upto++) {
      const { id, wasListed } = this.#log[upto];
      if (!touched.has(id)) touched.set(id, wasListed);
    }
    const posts = [...touched].map(([id, wasListed]) => ({ wasListed, post: this.#posts.get(id) }));
    const listed = posts.filter(({ post }) => post.isListed);
    const isLost = epoch !== this.#epoch;
    const feedChanges = {
      added: isLost ? [] : listed.filter(({ wasListed }) => !wasListed).map(({ post }) => edgeOf(post)),
      updated: isLost ? [] : listed.filter(({ wasListed }) => wasListed).map(({ post }) => edgeOf(post).node),
      removedIds: isLost ? [] : posts.filter(({ post }) => !post.isListed).map(({ post }) => post.id),
      nextToken: this.#token(isLost ? this.#log.length : upto),
      hasMore: !isLost && upto < this.#log.length,
      resetRequired: isLost,
      pollAfterSeconds: this.pollAfterSeconds,
    };
    return { feedChanges };
  }

  #head({ since }) {
    const [epoch, from] = since.split(".").map(Number);
    const resetRequired = epoch !== this.#epoch;
    const added = this.#log.slice(from).filter(({ id, wasListed }) => !wasListed && this.#posts.get(id).isListed);
    const newCount = { value: resetRequired ? 0 : new Set(added.map(({ id }) => id)).size, isCapped: false };
    return { feedHead: { newCount, newAuthors: [], resetRequired, pollAfterSeconds: this.pollAfterSeconds } };
  }

  #token(seq) {
    return `${this.#epoch}.${seq}`;
  }
}

function edgeOf({ id, position, version }) {
  return { position, cursor: `p${position}`, reason: { __typename: "PublicPost" }, node: { id, version } };
}

function inUrl(url) {
  return Object.fromEntries(
    [...new URL(url).searchParams].map(([key, value]) => [key, key === "query" ? value : JSON.parse(value)]),
  );
}

function nameOf({ query, extensions }) {
  const hash = extensions?.persistedQuery.sha256Hash;
  return Object.keys(DOCUMENTS).find((name) => HASHES[name] === hash || DOCUMENTS[name] === query);
}

export function refusal(status, code, headers = {}) {
  return Response.json({ errors: [{ message: code, extensions: { code } }] }, { status, headers });
}
