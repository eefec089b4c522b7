import assert from "node:assert/strict";
import { test } from "node:test";

import { FeedPoller } from "../../clients/javascript/feed_poller.js";
import { ask, CREATE_POST, noting, posted, signedUp, URL_ONE, URL_TWO } from "./service.js";

const titles = (list) => list.map(({ node }) => node.title);

/** A poller whose list is loaded. */
async function polling(options) {
  const notes = noting();
  const errors = [];
  const poller = new FeedPoller({
    url: `${URL_ONE}/graphql`,
    fetch: notes.fetch,
    onError: (error) => errors.push(`${error.code}: ${error.message}`),
    ...options,
  });
  poller.start();
  await poller.pollNow();
  if (!options.onUnauthenticated) assert.deepEqual(errors, []);
  return { poller, notes, errors };
}

const change = (name, input) =>
  `mutation ($input: ${input}) { ${name}(input: $input) { consistencyToken userErrors { code message } } }`;

/** Does a mutation; gives its consistencyToken. */
async function written(mutation, variables, token) {
  const [{ consistencyToken, userErrors }] = Object.values(await ask(mutation, variables, token));
  assert.deepEqual(userErrors, []);
  return consistencyToken;
}

test("the helper sees what is added, edited and removed, and pays for a 304 otherwise", async () => {
  const token = await signedUp("polls");
  const first = await posted("One", token);
  const { poller, notes, errors } = await polling({ token });
  try {
    assert.deepEqual(titles(poller.list), ["One"]);
    await poller.pollNow(); // It sends the text: the service does not know it yet.
    await poller.pollNow();
    notes.take();
    await new Promise((resolve) => setTimeout(resolve, 1_200)); // Longer than what was read of the change log is good.
    await poller.pollNow();
    assert.deepEqual(notes.take(), ["GET hash 304"]);

    const second = { input: { title: "Two", body: "Two." } };
    await poller.pollNow(await written(CREATE_POST, second, token));
    assert.deepEqual(titles(poller.list), ["Two", "One"]);
    const edit = { input: { id: first, title: "One, edited" } };
    await poller.pollNow(await written(change("updatePost", "UpdatePostInput!"), edit, token));
    assert.deepEqual(titles(poller.list), ["Two", "One, edited"]);
    const remove = "mutation ($id: ID!) { deletePost(id: $id) { consistencyToken userErrors { code message } } }";
    await poller.pollNow(await written(remove, { id: first }, token));
    assert.deepEqual(titles(poller.list), ["Two"]);
    assert.deepEqual(errors, []);
  } finally {
    poller.stop();
  }
});

test("the helper loads further pages, and fills the gap after a reset", async () => {
  const token = await signedUp("resets");
  for (let n = 1; n <= 7; n++) await posted(`Post ${n}`, token);
  const { poller, errors } = await polling({ token, first: 3, random: () => 0 });
  try {
    await poller.loadMore();
    assert.deepEqual(titles(poller.list), ["Post 7", "Post 6", "Post 5", "Post 4", "Post 3", "Post 2"]);
    for (let n = 8; n <= 12; n++) await posted(`Post ${n}`, token);
    const follow = "mutation { followTags(slugs: [\"baking\"]) { consistencyToken userErrors { code message } } }";
    await ask(CREATE_POST, { input: { title: "Post 13", body: "13", tags: ["Baking"] } }, token);
    await poller.pollNow(await written(follow, {}, token)); // What is followed has changed: resetRequired.
    await poller.pollNow();
    assert.deepEqual(titles(poller.list), [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3].map((n) => `Post ${n}`));
    assert.equal(poller.hasMore, true);
    await poller.loadMore();
    assert.deepEqual(titles(poller.list).slice(-2), ["Post 2", "Post 1"]);
    assert.deepEqual(errors, []);
  } finally {
    poller.stop();
  }
});

test("in the mode head the helper counts, and shows when it is told to", async () => {
  const token = await signedUp("counts");
  const news = [];
  const { poller, errors } = await polling({ token, mode: "head", onNews: ({ newCount }) => news.push(newCount.value) });
  try {
    const consistencyToken = await written(CREATE_POST, { input: { title: "New", body: "New." } }, token);
    await poller.pollNow(consistencyToken);
    assert.deepEqual([news, titles(poller.list)], [[1], []]);
    await poller.showNews();
    assert.deepEqual(titles(poller.list), ["New"]);
    assert.deepEqual(errors, []);
  } finally {
    poller.stop();
  }
});

test("the helper stops at a refused token, and its tokens are good in every process", async () => {
  let refused = 0;
  const { poller } = await polling({ token: "not.a.token", onUnauthenticated: () => (refused += 1) });
  assert.equal(refused, 1);
  poller.stop();
  const token = await signedUp("wanders");
  let turns = 0;
  const wandering = (url, init) => fetch(String(url).replace(URL_ONE, turns++ % 2 ? URL_ONE : URL_TWO), init);
  const found = await polling({ token, fetch: wandering });
  await found.poller.pollNow(await written(CREATE_POST, { input: { title: "Here", body: "Here." } }, token));
  await found.poller.pollNow();
  found.poller.stop();
  assert.deepEqual([titles(found.poller.list), found.errors], [["Here"], []]);
});
