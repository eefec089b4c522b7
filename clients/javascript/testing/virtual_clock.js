/** Time that passes only by advance(); what it stands for is handed to the poller. */

export class VirtualClock {
  #time = 1_000_000;
  #timers = new Map();
  #lastId = 0;

  timers = {
    setTimeout: (callback, ms) => {
      this.#timers.set(++this.#lastId, { at: this.#time + ms, callback });
      return this.#lastId;
    },
    clearTimeout: (id) => this.#timers.delete(id),
  };
  now = () => this.#time;
  sleep = (ms) => new Promise((resolve) => this.timers.setTimeout(resolve, ms));

  get pending() {
    return this.#timers.size;
  }

  async advance(ms) {
    const end = this.#time + ms;
    await settled();
    for (let next = this.#next(end); next; next = this.#next(end)) {
      const [id, { at, callback }] = next;
      this.#timers.delete(id);
      this.#time = Math.max(this.#time, at);
      callback();
      await settled();
    }
    this.#time = Math.max(this.#time, end);
  }

  /** The computer sleeps: the clock goes on, timers do not. */
  suspend(ms) {
    this.#time += ms;
    for (const timer of this.#timers.values()) timer.at += ms;
  }

  #next(end) {
    const due = [...this.#timers].filter(([, timer]) => timer.at <= end);
    return due.sort(([a, one], [b, other]) => one.at - other.at || a - b)[0];
  }
}

/** After all promises that wait for no timer. */
async function settled() {
  for (let round = 0; round < 5; round++) await new Promise((resolve) => setImmediate(resolve));
}

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). */
export function randomOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A page that can be hidden and seen again. */
export class Visibility {
  #listeners = new Set();
  #isHidden = false;

  isHidden = () => this.#isHidden;
  subscribe = (listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  set(isHidden) {
    this.#isHidden = isHidden;
    for (const listener of this.#listeners) listener();
  }

  get listeners() {
    return this.#listeners.size;
  }
}
