import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { ApolloClient, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from "@apollo/client/core/index.js";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries/index.js";

import { ask, CREATE_POST, noting, posted, signedUp, URL_ONE, URL_TWO } from "./service.js";

const FEED = gql`
  query Feed($kind: FeedKind!, $first: Int) {
    feed(kind: $kind, first: $first) {
      edges {
        position
        node {
          id
          title
        }
      }
    }
  }
`;

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

function client({ useGETForHashedQueries = false, token = null } = {}) {
  const notes = noting();
  let url = URL_ONE;
  const http = new HttpLink({
    uri: () => `${url}/graphql`,
    fetch: notes.fetch,
    headers: token ? { authorization: `Bearer ${token}` } : {},
  });
  const apollo = new ApolloClient({
    cache: new InMemoryCache(),
    link: new PersistedQueryLink({ sha256, useGETForHashedQueries }).concat(http),
    defaultOptions: { query: { fetchPolicy: "network-only" } },
  });
  return { apollo, notes, turnTo: (other) => (url = other) };
}

for (const [useGETForHashedQueries, method] of [[false, "POST"], [true, "GET"]]) {
  test(`Apollo Client registers a query and then names it, by ${method}`, async () => {
    const token = await signedUp(`apollo_${method}`);
    const id = await posted("Apollo's post", token);
    const { apollo, notes, turnTo } = client({ useGETForHashedQueries, token });
    const query = gql(`query By${method} { viewer { user { id } } }`);
    await apollo.query({ query });
    assert.deepEqual(notes.take(), [`${method} hash 200`, "POST hash+text 200"]);
    await apollo.query({ query });
    assert.deepEqual(notes.take(), [`${method} hash 200`]);

    const { data } = await apollo.query({ query: FEED, variables: { kind: "HOME", first: 1 } });
    assert.equal(data.feed.edges[0].node.id, id);
    notes.take();
    await apollo.query({ query: FEED, variables: { kind: "GLOBAL", first: 2 } });
    assert.deepEqual(notes.take(), [`${method} hash 200`]); // Other variables, the same document.

    turnTo(URL_TWO); // As a service that has lost what it was sent.
    await apollo.query({ query });
    assert.deepEqual(notes.take(), [`${method} hash 200`, "POST hash+text 200"]);
  });
}

test("Apollo Client sends mutations by POST, and they are done once", async () => {
  const token = await signedUp("apollo_writes");
  const { apollo, notes } = client({ useGETForHashedQueries: true, token });
  const variables = { input: { title: "Once", body: "Once." } };
  const { data } = await apollo.mutate({ mutation: gql(CREATE_POST), variables });
  assert.deepEqual(data.createPost.userErrors, []);
  assert.deepEqual(notes.take(), ["POST hash 200", "POST hash+text 200"]);
  const { viewer } = await ask("{ viewer { posts: user { stats { postCount } } } }", {}, token);
  assert.equal(viewer.posts.stats.postCount, 1);
});

test("Apollo Client sees the codes of errors", async () => {
  const code = (error) => {
    assert.ok(CombinedGraphQLErrors.is(error), String(error));
    return error.errors[0].extensions.code;
  };
  const { apollo } = client({ useGETForHashedQueries: true });
  const tooMany = { query: FEED, variables: { kind: "GLOBAL", first: 1_000 } };
  assert.equal(code(await apollo.query(tooMany).catch((error) => error)), "BAD_USER_INPUT");
  const stranger = client({ useGETForHashedQueries: true, token: "not.a.token" });
  const refused = await stranger.apollo.query({ query: FEED, variables: { kind: "HOME" } }).catch((error) => error);
  assert.equal(code(refused), "UNAUTHENTICATED");
});
