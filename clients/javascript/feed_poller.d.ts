/** Keeps a feed up to date by polling; docs/polling.md tells the protocol. */

export type FeedKind = "HOME" | "FOLLOWING_USERS" | "FOLLOWING_TAGS" | "GLOBAL" | "POPULAR" | "DISCUSSED";

/** FeedFilter of the GraphQL schema: everything given must hold; of a list, one value. */
export interface FeedFilter {
  category?: string | null;
  tags?: readonly string[] | null;
  excludeTags?: readonly string[] | null;
  authors?: readonly string[] | null;
  languages?: readonly string[] | null;
  window?: "HOUR" | "DAY" | "WEEK" | "MONTH" | "YEAR" | "ALL" | null;
}

/** Any selection on Post with its id; DefaultPost without the option `fields`. */
export interface PostLike {
  readonly id: string;
}

export interface Person {
  readonly id: string;
  readonly username: string;
  readonly displayName: string;
}

/** What is asked of a post where the option `fields` is not given. */
export interface DefaultPost extends PostLike {
  readonly slug: string;
  readonly title: string;
  readonly excerpt: string;
  readonly publishedAt: string | null;
  readonly version: number;
  readonly author: Person;
  readonly stats: { readonly likeCount: number; readonly commentCount: number };
}

export interface FeedEdge<Post extends PostLike = DefaultPost> {
  /** The greater text comes first. */
  readonly position: string;
  readonly cursor: string;
  readonly reason: { readonly __typename: string };
  readonly node: Post;
}

export interface FeedChanges<Post extends PostLike = DefaultPost> {
  readonly added: readonly FeedEdge<Post>[];
  readonly updated: readonly Post[];
  readonly removedIds: readonly string[];
}

export interface ShownChange<Post extends PostLike = DefaultPost> extends FeedChanges<Post> {
  /** Whether the list was made anew: at the start, and where the server could not tell what is new. */
  readonly isReset: boolean;
}

export interface FeedNews {
  readonly newCount: { readonly value: number; readonly isCapped: boolean };
  readonly newAuthors: readonly Person[];
  /** In POPULAR and DISCUSSED: there is a newer ranking. Other feeds are loaded anew without asking. */
  readonly resetRequired: boolean;
  readonly pollAfterSeconds: number;
}

/** The three questions of a poller. */
export type DocumentName = "feed" | "changes" | "head";

export interface Timers {
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}

export interface Visibility {
  isHidden(): boolean;
  /** Calls `listener` whenever it may be worth asking again; gives what ends that. */
  subscribe(listener: () => void): () => void;
}

export interface FeedPollerOptions<Post extends PostLike = DefaultPost> {
  /** The address of the service, such as "/graphql". */
  url: string;
  /** The access token, or what gives it, asked before each request; null or left out: nobody is signed in. */
  token?: string | null | (() => string | null | Promise<string | null>);
  /** HOME if left out. */
  kind?: FeedKind;
  filter?: FeedFilter;
  /** Posts on a page, 1 to 100; 20 if left out. */
  first?: number;
  /** "changes" (if left out): the list is kept up to date. "head": onNews tells how many are new, until showNews(). */
  mode?: "changes" | "head";
  /** The selection on Post, with `id` in it. */
  fields?: string;
  /** SHA-256 in hexadecimal digits of the texts of pollerDocuments(fields); computed where left out. */
  hashes?: Partial<Record<DocumentName, string>>;

  onChange?(list: readonly FeedEdge<Post>[], change: ShownChange<Post>): void;
  /** In the mode "head": each time the number is another one. */
  onNews?(news: FeedNews): void;
  /** What went wrong (a PollError, or what a callback threw), and in how many milliseconds it is tried again. */
  onError?(error: Error & { code?: string }, retryInMs: number): void;
  /** The token was refused, and the poller has stopped. start() goes on, with the token that `token` gives then. */
  onUnauthenticated?(error: PollError): void;

  fetch?(url: string, init: RequestInit): Promise<Response>;
  /** Milliseconds of a clock that goes on while the computer sleeps. */
  now?(): number;
  /** From 0 up to 1. */
  random?(): number;
  timers?: Timers;
  visibility?: Visibility;
}

/** `code`: that of the GraphQL error, or HTTP_503 and the like, NETWORK, TIMEOUT, STOPPED. */
export class PollError extends Error {
  constructor(code: string, message: string, retryAfterMs?: number);
  readonly name: "PollError";
  readonly code: string;
  /** What the server asked for; 0 if nothing. */
  readonly retryAfterMs: number;
}

export class FeedPoller<Post extends PostLike = DefaultPost> {
  constructor(options: FeedPollerOptions<Post>);
  /** What is there now, greatest position first; a new array after each change. */
  get list(): readonly FeedEdge<Post>[];
  /** Whether loadMore() would find something. */
  get hasMore(): boolean;
  /** Begins, or goes on after stop() from where it was. */
  start(): void;
  /** Ends at once, also a request under way; no callback is called any more. */
  stop(): void;
  /** Asks now. With the consistencyToken of a mutation the answer holds what that wrote. */
  pollNow(consistencyToken?: string): Promise<void>;
  /** In the mode "head": takes over into the list what onNews has told. */
  showNews(): Promise<void>;
  /** The next page, at the end of the list. Rejects with a PollError; the list is then as it was. */
  loadMore(): Promise<void>;
}

/**
 * The list after `changes`: removed posts gone, edited ones replaced, added ones in their places. A new array.
 * What was added below `floor`, the position down to which the list is whole, is left out; "" takes everything.
 */
export function applyChanges<Edge extends { readonly position: string; readonly node: PostLike }>(
  list: readonly Edge[],
  changes: {
    readonly added?: readonly Edge[];
    readonly updated?: readonly Edge["node"][];
    readonly removedIds?: readonly string[];
  },
  floor?: string,
): Edge[];

/** The texts that are sent, for a manifest of trusted documents. */
export function pollerDocuments(fields?: string): Record<DocumentName, string>;
