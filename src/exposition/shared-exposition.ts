// SPDX-License-Identifier: Apache-2.0
// Scrapes that come together share one rendering and one compression of it. A rendering lives from
// its first user to its last; how many live at a time is bounded. Knows nothing of HTTP.

import type { Family } from '../metrics/definition.js';
import type { FlowFamilies } from '../metrics/flow-families.js';
import { ChunkPool } from './chunk-pool.js';
import type { ExpositionFormat } from './dialect.js';
import { gzipChunks } from './gzip-chunks.js';
import type { ContentCoding } from './negotiate.js';
import { type Exposition, renderExposition, type StartOptions } from './render-exposition.js';
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
export interface ExpositionShare {
  readonly chunks: readonly Buffer[];
  /** Sum of the chunks' lengths: what Content-Length says. */
  readonly bytes: number;
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
  /** Renderings that live now. */
  readonly renderings: number;
}

/** Four of the largest exposition vmagent takes by default are 64 MiB. */
export const MAX_RENDERINGS = 4;
/** 14 MiB: room to act before vmagent's default limit of 16 MiB (promscrape.maxScrapeSize). */
export const WARN_ABOVE_BYTES = 14 * 1024 * 1024;

interface Rendering {
  readonly format: ExpositionFormat;
  readonly selection: Selection;
  /** Undefined until it is known which refresh the guard lets us see. */
  refresh: number | undefined;
  users: number;
  readonly cancel: AbortController;
  readonly exposition: Promise<Exposition>;
  /** Once it is made. */
  chunks: readonly Buffer[];
  gzip: Promise<readonly Buffer[]> | undefined;
}

export function createExposer(options: ExposerOptions, parts: ExposerParts): Exposer {
  const living = new Set<Rendering>();
  const pool = new ChunkPool();
  let isLarge = false;

  const render = async (
    format: ExpositionFormat,
    selection: Selection,
    snapshot: ExpositionSnapshot,
    signal: AbortSignal,
  ): Promise<Exposition> => {
    for (;;) {
      const flows = snapshot.flows();
      const exposition = await renderExposition(
        format,
        {
          families: await snapshot.families(selection),
          flows: isSelected(selection, 'flows') ? flows : { ...flows, families: [] },
        },
        { yieldToLoop: parts.yieldToLoop, signal, pool },
        options.starts,
      );
      // A part of it is smaller than the whole, and tells nothing of what the whole has besides series.
      if (selection !== ALL_SUBJECTS || (await parts.mayGoOut?.(exposition)) !== false) return exposition;
      pool.give(exposition.chunks);
      signal.throwIfAborted();
    }
  };

  const start = (format: ExpositionFormat, selection: Selection): Rendering => {
    const cancel = new AbortController();
    const rendering: Rendering = {
      format,
      selection,
      refresh: undefined,
      users: 0,
      cancel,
      exposition: parts.withSnapshot(async (snapshot) => {
        rendering.refresh = snapshot.refresh;
        cancel.signal.throwIfAborted();
        const startedMs = parts.monotonicMs();
        const exposition = await render(format, selection, snapshot, cancel.signal);
        const { bytes, chunks } = exposition;
        if (living.has(rendering)) rendering.chunks = chunks;
        else pool.give(chunks);
        if (selection === ALL_SUBJECTS) {
          const durationMs = parts.monotonicMs() - startedMs;
          parts.onRendered({ format, bytes, durationMs });
          warnOnce(bytes);
        }
        return exposition;
      }),
      chunks: [],
      gzip: undefined,
    };
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

  const leave = (rendering: Rendering): void => {
    rendering.users--;
    if (rendering.users > 0) return;
    living.delete(rendering);
    rendering.cancel.abort();
    if (rendering.chunks.length > 0) pool.give(rendering.chunks);
  };

  return {
    get renderings() {
      return living.size;
    },
    async expose(format, coding, signal, selection = ALL_SUBJECTS) {
      signal?.throwIfAborted();
      let rendering = [...living].find(
        (other) =>
          other.format === format &&
          other.selection === selection &&
          (other.refresh === undefined || other.refresh === parts.currentRefresh()),
      );
      if (rendering === undefined) {
        if (living.size >= options.maxRenderings) return undefined;
        rendering = start(format, selection);
        living.add(rendering);
      }
      const shared = rendering;
      shared.users++;
      let held = true;
      const release = (): void => {
        if (!held) return;
        held = false;
        leave(shared);
      };
      try {
        const { chunks, bytes } = await untilAborted(shared.exposition, signal);
        const refresh = shared.refresh ?? 0; // known since the guard let us see it
        if (coding === 'identity') return { chunks, bytes, refresh, release };
        shared.gzip ??= gzipChunks(chunks, shared.cancel.signal);
        const members = await untilAborted(shared.gzip, signal);
        const memberBytes = members.reduce((sum, chunk) => sum + chunk.length, 0);
        return { chunks: members, bytes: memberBytes, refresh, release };
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
