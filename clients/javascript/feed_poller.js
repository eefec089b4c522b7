/** Keeps a feed up to date by polling, as docs/polling.md tells. For browsers and Node 18 or newer; no dependencies. */

import { applyChanges } from "./feed_list.js";
import { pollerDocuments, PollError, Requests } from "./requests.js";
import { PLATFORM, Schedule } from "./schedule.js";

export { applyChanges, pollerDocuments, PollError };

const RENEW_MS = 120_000; // Servers have the news of some minutes in memory; for an older token they ask the database.
const RESET_SPREAD_MS = 10_000; // A reset may hit all clients at once.
const GAP_PAGE = 100; // As far as the service counts what is missing.
const ANOTHER_RANKING = -1;
const RANKED = ["POPULAR", "DISCUSSED"]; // Their cursors do not outlive a reset.

const DEFAULTS = {
  token: null,
  kind: "HOME",
  filter: undefined,
  first: 20,
  mode: "changes",
  onChange: () => {},
  onNews: () => {},
  onError: () => {},
  onUnauthenticated: () => {},
};

export class FeedPoller {
  #options;
  #requests;
  #schedule;
  #list = [];
  #floor = "";
  #end = { hasNextPage: false, endCursor: null };
  #token = null; // Null: the list must be loaded anew.
  #tokenTakenAt = 0;
  #announced = 0; // How many posts onNews told last; ANOTHER_RANKING if a whole list.

  constructor(options) {
    this.#options = { ...PLATFORM, ...DEFAULTS, ...options };
    this.#requests = new Requests(this.#options);
    this.#schedule = new Schedule(
      this.#options,
      () => this.#poll(),
      (error, wait) => this.#failed(error, wait),
    );
  }

  get list() {
    return this.#list;
  }

  get hasMore() {
    return this.#end.hasNextPage;
  }

  start() {
    this.#requests.start();
    this.#schedule.start();
  }

  stop() {
    this.#schedule.stop();
    this.#requests.stop();
  }

  pollNow(consistencyToken) {
    if (consistencyToken) this.#requests.wrote(consistencyToken);
    return this.#schedule.turn();
  }

  showNews() {
    if (this.#announced === ANOTHER_RANKING) this.#token = null;
    this.#announced = 0;
    this.#tokenTakenAt = -Infinity; // So that the next turn asks for the changes.
    return this.#schedule.turn();
  }

  /** By POST: an answer that a cache kept could be older than changes that the list has seen. */
  loadMore() {
    return this.#schedule.inOrder(async () => {
      if (!this.hasMore || this.#token === null) return;
      const { first } = this.#options;
      const page = await this.#page({ first, after: this.#end.endCursor }, { isPost: true });
      if (page.snapshot?.restarted) return this.#begin(page); // The ranking is gone; this is the first page of another.
      this.#setEnd(page.edges, page.pageInfo);
      this.#show({ added: page.edges });
    });
  }

  #poll() {
    if (this.#token === null) return this.#load();
    const isForNumberOnly = this.#options.mode === "head" && (this.#announced !== 0 || !this.#isTokenOld);
    return isForNumberOnly ? this.#countNews() : this.#catchUp();
  }

  get #isTokenOld() {
    return this.#options.now() - this.#tokenTakenAt > RENEW_MS;
  }

  /** The first page, and after a reset all down to where the list went. A page of a cache may have a token too old. */
  async #load() {
    const { first, kind } = this.#options;
    const before = RANKED.includes(kind) ? undefined : this.#list.at(-1)?.cursor;
    const page = await this.#page({ first, before }, { isFresh: true });
    this.#begin({ head: page.head, ...(await this.#withoutGap(page)) });
  }

  #begin({ edges, pageInfo, head }) {
    this.#list = [];
    this.#announced = 0;
    this.#setEnd(edges, pageInfo);
    this.#setToken(head.token);
    this.#heed(head);
    this.#show({ added: edges }, true);
  }

  /** About as much as was there: where a short list is far behind, its end is given up. */
  async #withoutGap(page) {
    let { edges, pageInfo, gap } = page;
    const isFarBehind = gap?.missing.isCapped && this.#list.length <= GAP_PAGE;
    for (let room = isFarBehind ? 0 : Math.max(this.#list.length, GAP_PAGE); gap && room > 0; room -= GAP_PAGE) {
      const part = await this.#page({ first: GAP_PAGE, after: gap.after, before: gap.before }, { isPost: true });
      edges = edges.concat(part.edges);
      ({ pageInfo, gap } = part);
    }
    return { edges, pageInfo };
  }

  async #catchUp() {
    let changes;
    do {
      const isFresh = this.#isTokenOld;
      const answer = await this.#ask("changes", { since: this.#token }, { isFresh });
      if (answer === null) return undefined;
      changes = answer.feedChanges;
      this.#heed(changes);
      if (changes.resetRequired) return this.#reset();
      const isNews = changes.added.length + changes.updated.length + changes.removedIds.length > 0;
      // Without news the token stays, and with it the address and its ETag: the next answer is a 304.
      if (isNews || changes.hasMore || isFresh) this.#setToken(changes.nextToken);
      if (isNews) this.#show(changes);
    } while (changes.hasMore);
    return undefined;
  }

  async #countNews() {
    const answer = await this.#ask("head", { since: this.#token });
    if (answer === null) return undefined;
    const { feedHead } = answer;
    this.#heed(feedHead);
    const isRanked = RANKED.includes(this.#options.kind);
    if (feedHead.resetRequired && !isRanked) return this.#reset();
    const news = feedHead.resetRequired ? ANOTHER_RANKING : feedHead.newCount.value;
    if (news === this.#announced) return undefined;
    this.#announced = news;
    this.#options.onNews(feedHead);
    return undefined;
  }

  /** How long to wait until the list is loaded anew. */
  #reset() {
    this.#token = null;
    return this.#options.random() * RESET_SPREAD_MS;
  }

  async #page(part, how) {
    return (await this.#ask("feed", part, how)).feed;
  }

  #ask(name, variables, how) {
    const { kind, filter } = this.#options;
    return this.#requests.ask(name, { kind, filter, ...variables }, how);
  }

  #heed({ pollAfterSeconds }) {
    this.#schedule.pollAfterMs = Math.max(1, pollAfterSeconds) * 1_000;
  }

  #setToken(token) {
    this.#token = token;
    this.#tokenTakenAt = this.#options.now();
  }

  #setEnd(edges, pageInfo) {
    this.#end = pageInfo;
    // A page that a filter cut short has gone further than its last post: what is added below that is taken as well.
    const last = edges.at(-1);
    this.#floor = pageInfo.hasNextPage && last?.cursor === pageInfo.endCursor ? last.position : "";
  }

  #show(changes, isReset = false) {
    this.#list = applyChanges(this.#list, changes, this.#floor);
    this.#options.onChange(this.#list, { added: [], updated: [], removedIds: [], ...changes, isReset });
  }

  #failed(error, wait) {
    const { onError, onUnauthenticated } = this.#options;
    if (error.code === "UNAUTHENTICATED") {
      this.stop();
      onUnauthenticated(error);
      return;
    }
    if (error.code === "INVALID_CURSOR") {
      this.#token = null;
      this.#list = []; // Its cursors are as bad as the token.
    }
    onError(error, wait);
  }
}
