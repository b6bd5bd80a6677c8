// SPDX-License-Identifier: Apache-2.0
// Scrapes of one refresh share one rendering and one compression of it:
//
//   being made --made--> read --last reader done--> kept --another refresh, or KEPT_MS--> given back
//        |                 |                         |  ^
//        +--nobody waits---+--small, or aborted      +--+ read again
//
// How many live at a time is bounded. Knows nothing of HTTP.

import type { Schedule } from '../clock.js';
import type { Family } from '../metrics/definition.js';
import type { FlowFamilies } from '../metrics/flow-families.js';
import { AnswerMaker, type RenderedAnswer, type ScrapeAnswer } from './answer-maker.js';
import type { ExpositionFormat } from './dialect.js';
import { KeptRenderings } from './kept-renderings.js';
import type { ContentCoding } from './negotiate.js';
import type { Exposition, StartOptions } from './render-exposition.js';
import { ALL_SUBJECTS, isSelected, type Selection } from './selection.js';

/** What is shown, as of one refresh; whole only while the function that got it runs. */
export interface ExpositionSnapshot {
  /** Number of the refresh, as ExposerParts.currentRefresh() tells it. */
  readonly refresh: number;
  /** Of the selected subjects. */
  families(selection: Selection): Promise<readonly Family[]>;
  flows(): FlowFamilies;
}

export interface ExposerOptions {
  /** Renderings that may live at once, being made or being sent. */
  readonly maxRenderings: number;
  /** Further ones may live where all that are made have no more bytes together; none unless told. */
  readonly freeBytes?: number;
  /** A rendering above this is told to the log once. */
  readonly warnAboveBytes: number;
  readonly starts?: StartOptions;
}

export interface ExposerParts {
  /** Runs fn while no refresh changes what is shown. */
  withSnapshot<T>(fn: (snapshot: ExpositionSnapshot) => Promise<T>): Promise<T>;
  /** Number of the last refresh. */
  currentRefresh(): number;
  yieldToLoop(): Promise<void>;
  monotonicMs(): number;
  /** Of timers that keep no process alive. None: memory is kept until another rendering takes it. */
  readonly schedule?: Schedule;
  /**
   * Whether it may go out as it is. Where not, the snapshot shows less from now on, and it is rendered anew.
   * Every one may unless told.
   */
  mayGoOut?(exposition: Pick<Exposition, 'bytes' | 'restBytes'>): Promise<boolean>;
  /** One that shows all subjects was made. */
  onRendered(rendered: {
    readonly format: ExpositionFormat;
    readonly bytes: number;
    readonly durationMs: number;
  }): void;
  warn(message: string): void;
}

/** A share in a rendering. Its bytes stay until release(), which must be called once. */
export interface ExpositionShare extends ScrapeAnswer {
  /** Number of the refresh that is shown. */
  readonly refresh: number;
  release(): void;
}

export interface Exposer {
  /**
   * Undefined where too many renderings live already. Rejects when rendering fails, and with the
   * signal's reason when it is aborted; a rendering that nobody waits for any more is given up. All subjects
   * are shown unless told.
   */
  expose(
    format: ExpositionFormat,
    coding: ContentCoding,
    signal?: AbortSignal,
    selection?: Selection,
  ): Promise<ExpositionShare | undefined>;
  /** Renderings that live now: kept ones are not counted. */
  readonly renderings: number;
}

/** Four of the largest exposition vmagent takes by default are 64 MiB. */
export const MAX_RENDERINGS = 4;
/** As many slow readers as there may be requests, each of another refresh, where answers are small. */
export const FREE_BYTES = 32 * 1024 * 1024;
/** 14 MiB: room to act before vmagent's default limit of 16 MiB (promscrape.maxScrapeSize). */
export const WARN_ABOVE_BYTES = 14 * 1024 * 1024;
/** Nobody has asked for so long: memory that waits for the next rendering is let go. Scrapes come more often. */
const UNASKED_MS = 120_000;

/** One of format, coding and selection, of one refresh. */
interface Rendering {
  readonly format: ExpositionFormat;
  readonly coding: ContentCoding;
  readonly selection: Selection;
  /** Undefined until it is known which refresh the guard lets us see. */
  refresh: number | undefined;
  users: number;
  readonly cancel: AbortController;
  readonly answer: Promise<ScrapeAnswer>;
  /** Once it is rendered, and while nobody has given it back. */
  rendered: RenderedAnswer | undefined;
  /** Once it is whole. */
  whole: ScrapeAnswer | undefined;
  madeMs: number;
}

export function createExposer(options: ExposerOptions, parts: ExposerParts): Exposer {
  const living = new Set<Rendering>();
  const kept = new KeptRenderings<Rendering>(parts);
  const maker = new AnswerMaker(options.starts, parts);
  let isLarge = false;
  let cancelForgetting = (): void => undefined;

  const render = async (rendering: Rendering, snapshot: ExpositionSnapshot): Promise<RenderedAnswer> => {
    const { format, coding, selection } = rendering;
    const { signal } = rendering.cancel;
    for (;;) {
      const flows = snapshot.flows();
      const input = {
        families: await snapshot.families(selection),
        flows: isSelected(selection, 'flows') ? flows : { ...flows, families: [] },
      };
      const rendered = await maker.render(format, coding, input, signal);
      // A part of it is smaller than the whole, and tells nothing of what the whole has besides series.
      if (selection !== ALL_SUBJECTS || (await parts.mayGoOut?.(rendered)) !== false) return rendered;
      rendered.giveBack();
      signal.throwIfAborted();
    }
  };

  const make = async (rendering: Rendering): Promise<ScrapeAnswer> => {
    const rendered = await parts.withSnapshot(async (snapshot) => {
      rendering.refresh = snapshot.refresh;
      rendering.cancel.signal.throwIfAborted();
      const startedMs = parts.monotonicMs();
      const { format, selection } = rendering;
      const done = await render(rendering, snapshot);
      rendering.madeMs = parts.monotonicMs();
      if (selection === ALL_SUBJECTS) {
        parts.onRendered({ format, bytes: done.bytes, durationMs: rendering.madeMs - startedMs });
        warnOnce(done.bytes);
      }
      return done;
    });
    if (!living.has(rendering)) {
      rendered.giveBack();
      rendering.cancel.signal.throwIfAborted();
    }
    rendering.rendered = rendered;
    rendering.whole = await rendered.whole();
    return rendering.whole;
  };

  const start = (format: ExpositionFormat, coding: ContentCoding, selection: Selection): Rendering => {
    // What is kept of refreshes before is memory for this one.
    for (const old of kept.removeOutdated()) giveBack(old);
    const state = { format, coding, selection, refresh: undefined, users: 0, cancel: new AbortController() };
    let begin = (_: Rendering): void => undefined;
    const begun = new Promise<Rendering>((resolve) => {
      begin = resolve;
    });
    const answer = begun.then(make);
    const rendering: Rendering = { ...state, answer, rendered: undefined, whole: undefined, madeMs: 0 };
    begin(rendering);
    return rendering;
  };

  const warnOnce = (bytes: number): void => {
    const wasLarge = isLarge;
    isLarge = bytes > options.warnAboveBytes;
    if (isLarge && !wasLarge) {
      parts.warn(
        `the exposition has ${bytes} bytes; vmagent refuses more than 16777216 unless max_scrape_size is raised: ` +
          'raise it there, or lower flows.max_exposition_bytes here',
      );
    }
  };

  const giveBack = ({ rendered }: Rendering): void => rendered?.giveBack();

  const leave = (rendering: Rendering): void => {
    rendering.users--;
    if (rendering.users > 0) return;
    living.delete(rendering);
    if (rendering.whole === undefined) rendering.cancel.abort();
    const { whole, rendered } = rendering;
    if (whole === undefined || rendered === undefined) giveBack(rendering);
    else for (const old of kept.add(rendering, rendered.bytes, whole.bytes)) giveBack(old);
    if (living.size === 0) forgetLater();
  };

  const forgetLater = (): void => {
    cancelForgetting();
    cancelForgetting =
      parts.schedule?.(() => {
        kept.removeAll();
        maker.forget();
      }, UNASKED_MS) ?? cancelForgetting;
  };

  const isOfRefresh = ({ refresh }: Rendering): boolean =>
    refresh === undefined || refresh === parts.currentRefresh();

  const hasRoom = (): boolean => {
    if (living.size < options.maxRenderings) return true;
    const made = [...living].flatMap(({ whole }) => (whole === undefined ? [] : [whole.bytes]));
    const bytes = made.reduce((sum, one) => sum + one, 0);
    return living.size - made.length < options.maxRenderings && bytes <= (options.freeBytes ?? 0);
  };

  return {
    get renderings() {
      return living.size;
    },
    async expose(format, coding, signal, selection = ALL_SUBJECTS) {
      signal?.throwIfAborted();
      const isAsked = (other: Rendering): boolean =>
        other.format === format && other.coding === coding && other.selection === selection;
      let rendering = [...living].find((other) => isAsked(other) && isOfRefresh(other)) ?? kept.take(isAsked);
      if (rendering === undefined) {
        if (!hasRoom()) return undefined;
        rendering = start(format, coding, selection);
      }
      living.add(rendering);
      cancelForgetting();
      const shared = rendering;
      shared.users++;
      let held = true;
      const release = (): void => {
        if (!held) return;
        held = false;
        leave(shared);
      };
      try {
        const { chunks, bytes } = await untilAborted(shared.answer, signal);
        return { chunks, bytes, refresh: shared.refresh ?? 0, release }; // known since the guard let us see it
      } catch (error) {
        release();
        throw error;
      }
    },
  };
}

/** The promise's outcome, or the signal's reason if that comes first. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
