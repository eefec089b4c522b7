import assert from "node:assert/strict";
import { test } from "node:test";

import { FeedPoller } from "./feed_poller.js";
import { FakeService, HASHES, refusal } from "./testing/fake_service.js";
import { randomOf, Visibility, VirtualClock } from "./testing/virtual_clock.js";

const MINUTE = 60_000;

/** A poller on a service with posts p1 … p9, whose list is loaded. */
async function polling({ seed = 1, posts = 9, autostart = true, ...options } = {}) {
  const clock = new VirtualClock();
  const service = new FakeService(clock);
  const visibility = new Visibility();
  for (let n = 1; n <= posts; n++) service.publish(`p${n}`, `${n}0`.padStart(6, "0"));
  const heard = { changes: [], errors: [], news: [], unauthenticated: 0 };
  const poller = new FeedPoller({
    url: service.url,
    token: "secret",
    first: 4,
    hashes: HASHES,
    fetch: service.fetch,
    now: clock.now,
    timers: clock.timers,
    random: randomOf(seed),
    visibility,
    onChange: (_list, change) => heard.changes.push(change),
    onNews: (head) => heard.news.push(head.newCount.value),
    onError: (error, wait) => heard.errors.push({ code: error.code, wait }),
    onUnauthenticated: () => (heard.unauthenticated += 1),
    ...options,
  });
  if (autostart) poller.start();
  await clock.advance(1_000);
  return { clock, service, visibility, heard, poller, random: randomOf(seed + 1) };
}

const shown = (edges) => edges.map(({ node }) => `${node.id}v${node.version}`).join(" ");
const between = (number, least, most) => assert.ok(least <= number && number <= most, `${least} ≤ ${number} ≤ ${most}`);
const gaps = (requests) => requests.slice(1).map(({ at }, n) => at - requests[n].at);

test("it loads a page, and shows what is added, edited and removed", async () => {
  const { clock, service, heard, poller } = await polling();
  assert.equal(shown(poller.list), "p9v1 p8v1 p7v1 p6v1");
  assert.equal(poller.hasMore, true);
  service.publish("new", "999999");
  service.edit("p8");
  service.setListed("p7", false);
  service.edit("p1"); // Further down than the list goes.
  await clock.advance(12_000);
  assert.equal(shown(poller.list), "newv1 p9v1 p8v2 p6v1");
  assert.deepEqual(heard.changes.map(({ isReset }) => isReset), [true, false, false]); // In two answers: hasMore.
  assert.deepEqual(heard.changes[1].removedIds, ["p7"]);
});

test("a poll without news is a conditional GET of a persisted document, answered by 304", async () => {
  const { clock, service, heard } = await polling();
  await clock.advance(2 * MINUTE);
  const polls = service.of("changes");
  assert.deepEqual(polls.slice(0, 2).map(({ method, status }) => `${method} ${status}`), ["GET 200", "POST 200"]);
  assert.deepEqual([...new Set(polls.slice(3).map(({ method, status }) => `${method} ${status}`))], ["GET 304"]);
  assert.ok(polls.slice(2).every(({ query }) => query === undefined));
  assert.ok(polls.every(({ headers }) => headers.Authorization === "Bearer secret"));
  assert.equal(heard.changes.length, 1);
  between(polls.length, 10, 14);
});

test("an old token is changed for a new one", async () => {
  const { clock, service } = await polling();
  service.edit("p9");
  await clock.advance(6 * MINUTE);
  const tokens = service.of("changes").map(({ variables }) => variables.since);
  assert.equal(tokens[0], "1.9");
  assert.equal(tokens.at(-1), "1.10");
  const asked = service.of("changes").filter(({ status, method }) => status === 200 && method === "GET");
  const modes = new Set(asked.map(({ cache }) => cache));
  assert.deepEqual(modes, new Set(["default", "reload"])); // Renewals pass caches over.
  between(asked.length, 4, 6); // Unknown document, the edit, then one in two minutes.
});

test("it asks as often as the server says, with jitter", async () => {
  const { clock, service } = await polling();
  await clock.advance(MINUTE);
  service.requests = [];
  await clock.advance(10 * MINUTE);
  const waits = gaps(service.requests);
  assert.ok(waits.every((wait) => wait >= 9_100 && wait <= 11_100), String(waits));
  assert.ok(new Set(waits).size > waits.length / 2);
  service.pollAfterSeconds = 60;
  service.edit("p9");
  await clock.advance(5 * MINUTE);
  between(service.requests.at(-1).at - service.requests.at(-2).at, 54_000, 66_200);
});

test("failures make it ask ever more seldom, up to a limit, and one answer heals", async () => {
  const { clock, service, heard, poller } = await polling();
  service.fault = () => refusal(503, "UNAVAILABLE");
  await clock.advance(60 * MINUTE);
  const ceilings = [20_000, 40_000, 80_000, 160_000, 300_000, 300_000];
  ceilings.forEach((ceiling, n) => between(heard.errors[n].wait, ceiling / 2, ceiling));
  assert.ok(heard.errors.every(({ code, wait }) => code === "UNAVAILABLE" && wait <= 300_000));
  between(heard.errors.length, 14, 25);
  service.fault = () => null;
  service.edit("p9");
  await clock.advance(5 * MINUTE);
  assert.equal(shown(poller.list.slice(0, 1)), "p9v2");
  between(gaps(service.requests).at(-1), 9_000, 11_200);
});

test("Retry-After is waited for, as a number or a date, also by who comes back to the page", async () => {
  const { clock, service, visibility, heard } = await polling();
  service.fault = () => refusal(429, "RATE_LIMITED", { "Retry-After": "200" });
  await clock.advance(12_000);
  between(heard.errors[0].wait, 200_000, 240_000);
  const { length } = service.requests;
  visibility.set(true);
  await clock.advance(MINUTE);
  visibility.set(false);
  await clock.advance(2 * MINUTE);
  assert.equal(service.requests.length, length);
  await clock.advance(2 * MINUTE);
  assert.equal(service.requests.length, length + 1);
  const later = new Date(Date.now() + 1_000_000).toUTCString();
  service.fault = () => refusal(503, "OVERLOADED", { "Retry-After": later });
  await clock.advance(5 * MINUTE);
  between(heard.errors.at(-1).wait, 990_000, 1_200_000);
});

test("a network that is gone, and answers that are no JSON, are failures like others", async () => {
  const { clock, service, heard } = await polling();
  service.fault = () => {
    throw new TypeError("fetch failed");
  };
  await clock.advance(MINUTE);
  service.fault = () => new Response("<h1>Bad gateway</h1>", { status: 502 });
  await clock.advance(2 * MINUTE);
  assert.deepEqual([...new Set(heard.errors.map(({ code }) => code))], ["NETWORK", "HTTP_502"]);
});

test("an answer that does not come is given up", async () => {
  const { clock, service, heard, poller } = await polling();
  service.fault = () => clock.sleep(60 * MINUTE);
  await clock.advance(45_000);
  assert.deepEqual(heard.errors.map(({ code }) => code), ["TIMEOUT"]);
  service.fault = () => null;
  service.edit("p9");
  await clock.advance(MINUTE);
  assert.equal(shown(poller.list.slice(0, 1)), "p9v2");
});

test("while it is hidden nothing is asked; seen again, it asks at once", async () => {
  const { clock, service, visibility, poller } = await polling();
  void poller.pollNow();
  await clock.advance(60);
  visibility.set(true); // While one is under way.
  await clock.advance(20 * MINUTE);
  const { length } = service.requests;
  between(length, 3, 4);
  visibility.set(false);
  await clock.advance(10);
  assert.equal(service.requests.length, length + 1);
});

test("flipping through tabs does not poll each time", async () => {
  const { clock, service, visibility } = await polling();
  await clock.advance(MINUTE);
  service.requests = [];
  for (let n = 0; n < 50; n++) {
    visibility.set(n % 2 === 0);
    await clock.advance(40);
  }
  between(service.requests.length, 1, 3);
});

test("who asks while one waits to begin shares that one", async () => {
  const { clock, service, poller } = await polling();
  await clock.advance(MINUTE);
  service.requests = [];
  for (let n = 0; n < 10; n++) void poller.pollNow();
  await clock.advance(60);
  for (let n = 0; n < 10; n++) void poller.pollNow(); // It may have begun before what they want to see.
  await clock.advance(1_000);
  assert.equal(service.requests.length, 2);
});

test("after a sleep of hours it polls once, within seconds", async () => {
  const { clock, service } = await polling();
  service.pollAfterSeconds = 60;
  service.edit("p9");
  await clock.advance(100_000);
  service.requests = [];
  clock.suspend(8 * 60 * MINUTE);
  await clock.advance(5_001);
  assert.equal(service.requests.length, 1);
  await clock.advance(3_000);
  assert.equal(service.requests.length, 1);
});

test("a reset loads the list again, down to where it went, and spreads its clients", async () => {
  const { clock, service, heard, poller } = await polling({ posts: 40 });
  await loadedMore(poller, clock);
  assert.equal(poller.list.length, 8);
  for (let n = 41; n <= 60; n++) service.publish(`p${n}`, `${n}0`.padStart(6, "0"));
  service.setListed("p36", false);
  service.renewEpoch();
  await clock.advance(25_000);
  assert.equal(heard.changes.at(-1).isReset, true);
  assert.equal(shown(poller.list), shown(service.edges.slice(0, 26))); // p60 … p34; p33 was the end, and is behind it.
  assert.equal(poller.hasMore, true);
});

async function loadedMore(poller, clock) {
  const loading = poller.loadMore();
  await clock.advance(1_000);
  await loading;
}

test("after a reset with too much above, the first page is all", async () => {
  const { clock, service, poller } = await polling();
  for (let n = 10; n <= 400; n++) service.publish(`p${n}`, `${n}0`.padStart(6, "0"));
  service.renewEpoch();
  await clock.advance(25_000);
  assert.equal(shown(poller.list), "p400v1 p399v1 p398v1 p397v1");
  await loadedMore(poller, clock);
  assert.equal(poller.list.length, 8);
});

test("a long list is loaded again as far as it went, in pages", async () => {
  const { clock, service, poller } = await polling({ posts: 500, first: 50 });
  for (let n = 0; n < 4; n++) await loadedMore(poller, clock);
  assert.equal(poller.list.length, 250);
  service.publish("new", "999999");
  service.renewEpoch();
  service.requests = [];
  await clock.advance(25_000);
  assert.deepEqual(service.of("feed").map(({ variables }) => variables.first), [50, 100, 100]);
  assert.equal(shown(poller.list), shown(service.edges.slice(0, 250)));
});

test("a token or cursor that is refused leads to a new list", async () => {
  const { clock, service, poller } = await polling();
  let isRefused = true;
  const refused = ({ since, before }) => isRefused && (since || before);
  service.fault = ({ variables }) => (refused(variables) ? refusal(200, "INVALID_CURSOR") : null);
  await clock.advance(25_000);
  isRefused = false;
  service.edit("p9");
  await clock.advance(2 * MINUTE);
  assert.equal(shown(poller.list), "p9v2 p8v1 p7v1 p6v1");
});

test("401 stops it; it goes on from where it was when started again", async () => {
  const tokens = ["old", "new"];
  const { clock, service, heard, poller } = await polling({ token: async () => tokens[0] });
  await clock.advance(MINUTE);
  service.fault = ({ headers }) => (headers.Authorization === "Bearer new" ? null : refusal(401, "UNAUTHENTICATED"));
  await clock.advance(30_000);
  assert.equal(heard.unauthenticated, 1);
  assert.equal(clock.pending, 0);
  tokens.shift();
  service.requests = [];
  poller.start();
  await clock.advance(1_000);
  assert.deepEqual(service.requests.map(({ name, status }) => `${name} ${status}`), ["changes 304"]);
});

test("stop() ends a request under way and leaves nothing behind", async () => {
  const { clock, service, visibility, heard, poller } = await polling();
  service.edit("p9");
  const asked = poller.pollNow();
  await clock.advance(60);
  poller.stop();
  await asked;
  await clock.advance(20 * MINUTE);
  assert.deepEqual([clock.pending, visibility.listeners, heard.errors.length, heard.changes.length], [0, 0, 0, 1]);
  poller.start();
  await clock.advance(1_000);
  assert.equal(shown(poller.list.slice(0, 1)), "p9v2");
});

test("stopped and started while a request is under way, it asks anew and tells no error", async () => {
  const { clock, service, heard, poller } = await polling();
  service.edit("p9");
  void poller.pollNow();
  await clock.advance(60);
  poller.stop();
  poller.start();
  await clock.advance(1_000);
  assert.equal(shown(poller.list.slice(0, 1)), "p9v2");
  assert.deepEqual(heard.errors, []);
});

test("started again from within onChange, it goes on as one", async () => {
  let restarted = 0;
  const onChange = () => (restarted += 1) && (poller.stop(), poller.start());
  const { clock, service, poller } = await polling({ onChange, autostart: false });
  poller.start();
  await clock.advance(MINUTE);
  service.edit("p9");
  await clock.advance(10 * MINUTE);
  assert.equal(restarted, 2);
  assert.equal(service.mostAtOnce, 1);
  between(service.requests.length, 55, 80);
});

test("what onChange throws is told by onError, and nothing is lost by it", async () => {
  const onChange = () => assert.fail("shown badly");
  const { clock, service, heard, poller } = await polling({ onChange });
  service.edit("p9");
  await clock.advance(MINUTE);
  assert.equal(shown(poller.list.slice(0, 1)), "p9v2");
  assert.deepEqual(heard.errors.map(({ code }) => code), ["ERR_ASSERTION", "ERR_ASSERTION"]);
});

test("a write's consistencyToken goes with the next request, until one is answered", async () => {
  const { clock, service, poller } = await polling();
  service.fault = () => refusal(503, "UNAVAILABLE");
  void poller.pollNow("written");
  await clock.advance(1_000);
  service.fault = () => null;
  await clock.advance(MINUTE);
  const headers = service.of("changes").map((request) => request.headers["Feed-Consistency"]);
  assert.equal(headers[0], "written");
  assert.equal(headers.filter(Boolean).length, 2 + 1); // Failed; asked for the text; answered with it.
  assert.equal(headers.at(-1), undefined);
});

test("in the mode head only the number is asked for, until the news are shown", async () => {
  const { clock, service, heard, poller } = await polling({ mode: "head" });
  await clock.advance(MINUTE);
  service.publish("a", "999991");
  service.publish("b", "999992");
  service.setListed("p9", false);
  await clock.advance(30 * MINUTE);
  assert.deepEqual(heard.news, [2]);
  assert.equal(shown(poller.list), "p9v1 p8v1 p7v1 p6v1");
  assert.equal(service.requests.at(-1).status, 304);
  void poller.showNews();
  await clock.advance(1_000);
  assert.equal(shown(poller.list), "bv1 av1 p8v1 p7v1 p6v1");
  service.publish("c", "999993");
  await clock.advance(MINUTE);
  assert.deepEqual(heard.news, [2, 1]);
  service.renewEpoch();
  await clock.advance(MINUTE);
  assert.equal(shown(poller.list), "cv1 bv1 av1 p8v1 p7v1");
});

test("a ranking that is gone while one goes on in it begins anew", async () => {
  const { clock, service, heard, poller } = await polling({ kind: "POPULAR" });
  service.ranking = { isKept: true };
  await loadedMore(poller, clock);
  assert.equal(shown(poller.list), "p9v1 p8v1 p7v1 p6v1 p5v1 p4v1 p3v1 p2v1");
  service.ranking = { isKept: false };
  await loadedMore(poller, clock);
  assert.equal(shown(poller.list), "p9v1 p8v1 p7v1 p6v1");
  assert.equal(heard.changes.at(-1).isReset, true);
});

test("in the mode head another ranking is announced, and shown at once when asked for", async () => {
  const { clock, service, heard, poller } = await polling({ kind: "POPULAR", mode: "head" });
  service.edit("p9");
  service.renewEpoch();
  await clock.advance(20 * MINUTE);
  assert.deepEqual(heard.news, [0]);
  assert.equal(shown(poller.list), "p9v1 p8v1 p7v1 p6v1");
  void poller.showNews();
  await clock.advance(500);
  assert.equal(shown(poller.list), "p9v2 p8v1 p7v1 p6v1");
});

test("without hashes and without crypto the texts are sent, by GET all the same", async () => {
  const given = Object.getOwnPropertyDescriptor(globalThis, "crypto");
  Object.defineProperty(globalThis, "crypto", { value: undefined, configurable: true });
  try {
    const { clock, service } = await polling({ hashes: undefined });
    await clock.advance(MINUTE);
    assert.ok(service.requests.every(({ method, extensions }) => method === "GET" && extensions === undefined));
    assert.equal(service.requests.at(-1).status, 304);
  } finally {
    Object.defineProperty(globalThis, "crypto", given);
  }
});

/** One thing that may happen; `n` counts them. */
const HAPPENINGS = [
  ({ service, random }, n) => service.publish(`n${n}`, placeOf(random) + n),
  ({ service, random }) => service.edit(one(service.ids, random)),
  ({ service, random }) => service.edit(one(service.ids.slice(-3), random)),
  ({ service, random }) => service.setListed(one(service.ids, random), false),
  ({ service, random }) => service.setListed(one(service.ids, random), true),
  ({ service, random }) => random() < 0.05 && service.renewEpoch(),
  ({ service, random }) => random() < 0.1 && service.forgetDocuments(),
  ({ service, random }) => (service.fault = random() < 0.3 ? () => refusal(503, "UNAVAILABLE") : () => null),
  ({ visibility, random }) => visibility.set(random() < 0.3),
  ({ clock, random }) => random() < 0.1 && clock.suspend(random() * 60 * MINUTE),
  ({ poller }) => void poller.pollNow(),
  ({ poller }) => void poller.loadMore().catch((error) => assert.match(error.code, /UNAVAILABLE|STOPPED/)),
  ({ poller, random }) => random() < 0.1 && (poller.stop(), poller.start()),
];

/** Among the posts of the beginning, or above them. */
const placeOf = (random) => String(Math.floor(random() * (random() < 0.5 ? 130 : 1e6))).padStart(6, "0");

const one = (items, random) => items[Math.floor(random() * items.length)];

for (let seed = 1; seed <= 30; seed++) {
  test(`whatever happens, the list ends as a fresh one (seed ${seed})`, async () => {
    const world = await polling({ seed, posts: 12 });
    for (let n = 0; n < 150; n++) {
      one(HAPPENINGS, world.random)(world, n);
      await world.clock.advance(world.random() ** 3 * 20_000);
    }
    world.service.fault = () => null;
    world.visibility.set(false);
    await world.clock.advance(15 * MINUTE);
    const { list, hasMore } = world.poller;
    const fresh = world.service.edges;
    assert.equal(shown(list), shown(hasMore ? fresh.slice(0, list.length) : fresh));
    assert.ok(world.heard.changes.length > 3);
    assert.equal(world.service.mostAtOnce, 1);
    world.poller.stop();
    await world.clock.advance(MINUTE);
    assert.equal(world.clock.pending, 0);
  });
}
