import assert from "node:assert/strict";
import { test } from "node:test";

import { Client, fetchExchange } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";

import { CREATE_POST, noting, posted, signedUp, URL_ONE, URL_TWO } from "./service.js";

const FEED = "query Feed($kind: FeedKind!, $first: Int) { feed(kind: $kind, first: $first) { edges { node { id } } } }";

function client({ url = URL_ONE, token = null, preferGetForPersistedQueries = "within-url-limit" } = {}) {
  const notes = noting();
  const urql = new Client({
    url: `${url}/graphql`,
    exchanges: [persistedExchange({ preferGetForPersistedQueries }), fetchExchange],
    fetch: notes.fetch,
    fetchOptions: () => ({ headers: token ? { authorization: `Bearer ${token}` } : {} }),
  });
  return { urql, notes };
}

for (const [preferGetForPersistedQueries, method] of [[false, "POST"], ["within-url-limit", "GET"], ["force", "GET"]]) {
  test(`urql registers a query and then names it, by ${method} (${preferGetForPersistedQueries})`, async () => {
    const name = `urql_${preferGetForPersistedQueries}`.replaceAll("-", "_");
    const token = await signedUp(name);
    const id = await posted("urql's post", token);
    const query = FEED.replace("Feed(", `${name}(`);
    for (const url of [URL_ONE, URL_TWO]) {
      const { urql, notes } = client({ url, token, preferGetForPersistedQueries });
      const { data, error } = await urql.query(query, { kind: "HOME", first: 1 }).toPromise();
      assert.equal(error, undefined);
      assert.equal(data.feed.edges[0].node.id, id);
      assert.deepEqual(notes.take(), [`${method} hash 200`, `${method} hash+text 200`]);
      await urql.query(query, { kind: "GLOBAL", first: 2 }).toPromise();
      assert.deepEqual(notes.take(), [`${method} hash 200`]);
    }
  });
}

test("urql sends mutations by POST, with their text", async () => {
  const { urql, notes } = client({ token: await signedUp("urql_writes") });
  const { data } = await urql.mutation(CREATE_POST, { input: { title: "Once", body: "Once." } }).toPromise();
  assert.deepEqual(data.createPost.userErrors, []);
  assert.deepEqual(notes.take(), ["POST text 200"]);
});

test("urql sees the codes of errors", async () => {
  const tooMany = await client().urql.query(FEED, { kind: "GLOBAL", first: 1_000 }).toPromise();
  assert.equal(tooMany.error.graphQLErrors[0].extensions.code, "BAD_USER_INPUT");
  const refused = await client({ token: "not.a.token" }).urql.query(FEED, { kind: "HOME" }).toPromise();
  assert.equal(refused.error.graphQLErrors[0]?.extensions.code, "UNAUTHENTICATED");
});
