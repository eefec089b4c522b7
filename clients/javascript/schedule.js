/** When to ask: one thing at a time, with jitter, ever more seldom after failures, not while nobody looks. */

const SLICE_MS = 5_000; // Timers stand still while a computer sleeps; the clock does not, and is looked at this often.
const WAKE_GAP_MS = 1_000; // Whoever flips through tabs does not poll with each of them.
const FIRST_WAIT_MS = 2_000; // Back-off begins here until a server has said how often it wants to be asked.
const MAX_WAIT_MS = 300_000;

/** What a browser offers; in Node nothing is ever hidden. */
export const PLATFORM = {
  now: () => Date.now(),
  random: () => Math.random(),
  timers: {
    setTimeout: (callback, ms) => setTimeout(callback, ms),
    clearTimeout: (timer) => clearTimeout(timer),
  },
  fetch: (url, init) => fetch(url, init),
  visibility: {
    isHidden: () => globalThis.document?.visibilityState === "hidden",
    subscribe(listener) {
      const page = globalThis.document;
      const stop = new AbortController();
      page?.addEventListener("visibilitychange", listener, { signal: stop.signal });
      globalThis.addEventListener?.("online", listener, { signal: stop.signal });
      return () => stop.abort();
    },
  },
};

/** `poll` does one turn, and may tell how many milliseconds to wait then; `failed` takes an error and the wait. */
export class Schedule {
  pollAfterMs = FIRST_WAIT_MS;
  #platform;
  #poll;
  #failed;
  #isOn = false;
  #last = Promise.resolve();
  #waiting = null;
  #isTurning = false;
  #failures = 0;
  #timer;
  #due = 0;
  #earliest = 0;
  #unsubscribe = () => {};

  constructor(platform, poll, failed) {
    this.#platform = platform;
    this.#poll = poll;
    this.#failed = failed;
  }

  start() {
    if (this.#isOn) return;
    this.#isOn = true;
    this.#unsubscribe = this.#platform.visibility.subscribe(() => this.#wake());
    void this.turn();
  }

  stop() {
    this.#isOn = false;
    this.#platform.timers.clearTimeout(this.#timer);
    this.#unsubscribe();
  }

  /** After all that was begun before; what waits when it is stopped is dropped. */
  inOrder(task) {
    const done = this.#last.then(() => (this.#isOn ? task() : undefined));
    this.#last = done.catch(() => {});
    return done;
  }

  /** A poll as soon as may be, then the timer again. Who asks while one waits to begin shares that one. */
  turn() {
    this.#waiting ??= this.#last = this.#last.then(() => {
      this.#waiting = null;
      return this.#isOn ? this.#turn() : undefined;
    });
    return this.#waiting;
  }

  async #turn() {
    const { now, random, timers, visibility } = this.#platform;
    timers.clearTimeout(this.#timer);
    if (visibility.isHidden()) return; // To be seen again is what wakes it.
    this.#isTurning = true;
    try {
      const wait = await this.#poll();
      this.#failures = 0;
      this.#earliest = now() + WAKE_GAP_MS;
      this.#waitFor(wait ?? this.pollAfterMs * (0.9 + random() / 5));
    } catch (error) {
      if (this.#isOn && error.code !== "STOPPED") this.#backOff(error);
    } finally {
      this.#isTurning = false;
    }
  }

  #backOff(error) {
    const { now, random } = this.#platform;
    this.#failures += 1;
    const ceiling = Math.min(MAX_WAIT_MS, this.pollAfterMs * 2 ** this.#failures);
    const asked = (error.retryAfterMs ?? 0) * (1 + random() / 5);
    const wait = Math.max(asked, ceiling * (0.5 + random() / 2));
    this.#earliest = now() + Math.max(asked, WAKE_GAP_MS);
    this.#waitFor(wait);
    this.#failed(error, wait);
  }

  #waitFor(wait) {
    this.#due = this.#platform.now() + wait;
    this.#slice(wait);
  }

  #slice(atMost) {
    const { now, timers } = this.#platform;
    timers.clearTimeout(this.#timer);
    const left = Math.min(this.#due - now(), atMost); // A clock that was put back makes nobody wait longer.
    const slice = Math.min(left, SLICE_MS);
    if (left <= 0) void this.turn();
    else if (this.#isOn) this.#timer = timers.setTimeout(() => this.#slice(left - slice), slice);
  }

  #wake() {
    const { now, timers, visibility } = this.#platform;
    timers.clearTimeout(this.#timer);
    if (visibility.isHidden() || this.#isTurning) return; // A turn under way sets the timer itself.
    this.#waitFor(Math.max(0, this.#earliest - now()));
  }
}
