import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { posted, signedUp, URL_ONE, URL_TWO } from "./service.js";

const QUERY = "query Watched($first: Int) { feed(kind: HOME, first: $first) { edges { node { id title } } } }";
const VALIDATORS = ["etag", "cache-control", "vary"];

/** A GET of the persisted QUERY, such as get({ token, etag }). */
async function get({ url = URL_ONE, token = null, etag = null, first = 2, query = null }) {
  const sha256Hash = createHash("sha256").update(QUERY).digest("hex");
  const parameters = new URLSearchParams({
    variables: JSON.stringify({ first }),
    extensions: JSON.stringify({ persistedQuery: { version: 1, sha256Hash } }),
    ...(query && { query }),
  });
  const headers = {
    Accept: "application/graphql-response+json",
    ...(token && { Authorization: `Bearer ${token}` }),
    ...(etag && { "If-None-Match": etag }),
  };
  const response = await fetch(`${url}/graphql?${parameters}`, { headers, cache: "no-store" });
  const text = await response.text();
  const validators = VALIDATORS.map((name) => response.headers.get(name));
  return { status: response.status, text, etag: response.headers.get("etag"), validators };
}

test("a conditional GET of a persisted query is a 304 until what it read changes, in both processes", async () => {
  const token = await signedUp("watcher");
  await posted("The first", token);
  const first = await get({ token, query: QUERY });
  assert.match(first.etag, /^W\/"/);
  assert.equal(first.validators[1], "private, no-cache");
  await get({ url: URL_TWO, token, query: QUERY });
  for (const url of [URL_ONE, URL_TWO]) {
    const second = await get({ url, token, etag: first.etag });
    assert.deepEqual([second.status, second.text, second.validators], [304, "", first.validators]);
  }
  await posted("The second", token);
  await new Promise((resolve) => setTimeout(resolve, 1_100)); // A 304 may be a second old.
  const third = await get({ token, etag: first.etag });
  assert.equal(third.status, 200);
  assert.equal(JSON.parse(third.text).data.feed.edges[0].node.title, "The second");
});

test("an ETag is good for one viewer and one set of variables only", async () => {
  const [one, other] = [await signedUp("one_viewer"), await signedUp("other_viewer")];
  const { etag } = await get({ token: one, query: QUERY });
  assert.equal((await get({ token: one, etag })).status, 304);
  assert.equal((await get({ token: other, etag })).status, 200);
  assert.equal((await get({ etag })).status, 200);
  assert.equal((await get({ token: one, etag, first: 3 })).status, 200);
});
