// SPDX-License-Identifier: Apache-2.0
// Who scrapes, how often, and which refresh each was last answered with: what new series wait for. Clients
// are told apart by a name of the caller's; the second answer tells the interval. Who says that he scrapes
// is a scraper with the first. Bounded, and nobody is waited for longer than he is expected.

/** More are not remembered: clients that came once go first, then those that are silent longest. */
const MAX_CLIENTS = 64;
/** Whose next scrape is this many intervals late has gone. */
const LATE_INTERVALS = 2;
/** Nobody scrapes less often, as far as we know: until his second scrape, or his first after our start. */
const USUAL_INTERVAL_MS = 60_000;
/** Scrapes come some time late: they wait for a refresh, for others, for the network. */
const LATE_MS = 1000;

interface Client {
  /** Number of the newest refresh in an answer to it. */
  refresh: number;
  answeredMs: number;
  /** Time between its last two answers, or between the two before if that was longer; 0 after the first. */
  intervalMs: number;
  lastGapMs: number;
  /** Says that it scrapes. */
  readonly isScraper: boolean;
}

/** May change: asked each time. */
export interface ScrapersOptions {
  /** Nobody is waited for longer, and whoever comes less often not at all. */
  readonly maxIntervalMs: number;
}

export class Scrapers {
  readonly #options: ScrapersOptions;
  readonly #nowMs: () => number;
  /** The one that was answered longest ago comes first. */
  readonly #clients = new Map<string, Client>();
  readonly #startedMs: number;
  #newest = 0;

  constructor(options: ScrapersOptions, parts: { nowMs(): number }) {
    this.#options = options;
    this.#nowMs = parts.nowMs;
    this.#startedMs = parts.nowMs();
  }

  /** An answer that shows this refresh has gone out whole. */
  answered(name: string, refresh: number, isScraper: boolean): void {
    const nowMs = this.#nowMs();
    this.#newest = Math.max(this.#newest, refresh);
    const known = this.#clients.get(name);
    this.#clients.delete(name);
    if (known === undefined && this.#clients.size >= MAX_CLIENTS) this.#forgetOne();
    const gapMs = known === undefined ? 0 : nowMs - known.answeredMs;
    this.#clients.set(name, {
      refresh: Math.max(refresh, known?.refresh ?? 0),
      answeredMs: nowMs,
      intervalMs: Math.max(gapMs, known?.lastGapMs ?? 0),
      lastGapMs: gapMs,
      isScraper,
    });
  }

  /** How many are expected to come again. */
  get active(): number {
    return this.#activeClients().length;
  }

  /** What has been in answers: an Audience (src/flows/audience.ts). */
  seen(): { readonly beginnings: number; readonly ends: number } {
    const active = this.#activeClients();
    if (active.length === 0) return { beginnings: this.#newest, ends: Number.POSITIVE_INFINITY };
    const byAll = Math.min(...active.map(({ refresh }) => refresh));
    // Where one scrapes, another may who has not come yet since our start.
    const mayComeYet =
      this.#nowMs() - this.#startedMs < Math.min(this.#options.maxIntervalMs, USUAL_INTERVAL_MS);
    return { beginnings: mayComeYet ? 0 : byAll, ends: byAll };
  }

  #activeClients(): Client[] {
    const nowMs = this.#nowMs();
    return [...this.#clients.values()].filter(({ answeredMs, intervalMs, isScraper }) => {
      const expectedMs =
        intervalMs === 0 && isScraper
          ? Math.min(this.#options.maxIntervalMs, USUAL_INTERVAL_MS)
          : LATE_INTERVALS * intervalMs;
      const isKnown = isScraper || intervalMs > 0;
      return (
        isKnown && intervalMs <= this.#options.maxIntervalMs && nowMs - answeredMs <= expectedMs + LATE_MS
      );
    });
  }

  #forgetOne(): void {
    const names = [...this.#clients];
    const [name] = names.find(([, { intervalMs }]) => intervalMs === 0) ?? names[0] ?? [''];
    this.#clients.delete(name);
  }
}
