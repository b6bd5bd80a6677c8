// SPDX-License-Identifier: Apache-2.0
// Batches on disk, one file each, in the order of their sequence numbers. Holds an index in memory,
// never a body. At its limit, or on a full disk, the oldest goes first.

import { ExporterError } from '../errors.js';
import { errorCode } from '../system/regular-file.js';
import type { Batch } from './batch.js';
import { createCrc32 } from './crc32.js';
import { ObstacleError, type SpoolDirectory } from './spool-directory.js';
import { blockBytes, SpoolIndex, type SpoolTotals } from './spool-index.js';
import { lockSpool, type SpoolLock } from './spool-lock.js';
import { decodeRecord, encodeRecordHeader, entryOf, type SpoolEntry } from './spool-record.js';
import { FILE_MAX_BYTES, fileFault } from './spool-rules.js';
import { putAside, type SpoolScan, scanSpool } from './spool-scan.js';

export interface SpoolOptions {
  /** Of disk space, in whole blocks as the disk gives it. */
  readonly maxBytes: number;
}

export type AppendResult = { readonly stored: true } | { readonly stored: false; readonly error: unknown };

/** Told in the same turn in which the totals change, so that no sample is counted twice or not at all. */
export interface AppendEvents {
  onStored(): void;
  /** This batch had to make room; its file may still be there for a moment. */
  onRemoved(entry: SpoolEntry, reason: 'spool_full' | 'disk_full'): void;
  /** Something else stood in the way, and was set aside. */
  onSetAside(sentence: string): void;
}

export type IsBeingSent = (sequence: number) => boolean;

/** Something that was no batch of ours stood under a batch's name; the index has forgotten it. */
export interface FoundStranger {
  readonly isStranger: true;
  readonly sentence: string;
}

export interface Spool {
  readonly totals: SpoolTotals;
  readonly maxBytes: number;
  /** Greater than that of any batch found at the start. */
  readonly nextSequence: number;
  /** Files that a former process left unfinished, removed at the start. */
  readonly unfinishedFiles: number;
  /** A sentence for each thing that looked like a file of ours, was none, and was set aside at the start. */
  readonly foundAtStart: readonly string[];
  /** All that was set aside until now. */
  readonly setAsideFiles: number;
  has(sequence: number): boolean;
  /** The oldest batch, or the oldest after this sequence number. */
  oldest(after?: number): SpoolEntry | undefined;
  /**
   * Never rejects. What is being sent makes no room, even where it is the oldest; it is asked for at
   * each removal, since another batch may be sent by then.
   */
  append(batch: Batch, events: AppendEvents, isBeingSent?: IsBeingSent): Promise<AppendResult>;
  /**
   * The batch, or a clause why its file is damaged; that one is the caller's to remove. What is no
   * file of ours is set aside. Rejects where the file cannot be read for now.
   */
  read(entry: SpoolEntry): Promise<Batch | string | FoundStranger>;
  /**
   * Resolves with a sentence where something else stood there and was set aside. Rejects where the
   * file cannot be removed. The index has forgotten it in any case.
   */
  remove(sequence: number): Promise<string | undefined>;
  close(): Promise<void>;
}

/** Bounds the index (100 bytes an entry) and the folder, where batches are tiny. */
const BATCHES_MAX = 100_000;
/** Each file has two names; whoever puts more in their way meanwhile does so on purpose. */
const OBSTACLES_MAX = 2;

/** Makes the folder where there is none. Rejects with ExporterError SPOOL, a sentence for the operator. */
export async function openSpool({ maxBytes }: SpoolOptions, directory: SpoolDirectory): Promise<Spool> {
  let lock: SpoolLock | undefined;
  try {
    await directory.create();
    lock = await lockSpool(directory.path);
    const scan = await scanSpool(directory, BATCHES_MAX);
    return new FileSpool({ maxBytes }, { directory, lock, scan });
  } catch (error) {
    await lock?.release();
    if (error instanceof ExporterError) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    throw new ExporterError('SPOOL', `push.spool_path ${directory.path} cannot be used: ${detail}`, {
      cause: error,
    });
  }
}

interface FileSpoolParts {
  readonly directory: SpoolDirectory;
  readonly lock: SpoolLock;
  readonly scan: SpoolScan;
}

class FileSpool implements Spool {
  readonly nextSequence: number;
  readonly unfinishedFiles: number;
  readonly foundAtStart: readonly string[];
  readonly maxBytes: number;
  readonly #directory: SpoolDirectory;
  readonly #lock: SpoolLock;
  readonly #crc32 = createCrc32();
  readonly #index: SpoolIndex;
  #setAsideFiles: number;

  constructor(options: SpoolOptions, { directory, lock, scan }: FileSpoolParts) {
    this.maxBytes = options.maxBytes;
    this.unfinishedFiles = scan.unfinishedFiles;
    this.foundAtStart = [...lock.setAside, ...scan.setAside];
    this.#setAsideFiles = this.foundAtStart.length;
    this.#directory = directory;
    this.#lock = lock;
    this.#index = new SpoolIndex(scan.entries);
    this.nextSequence = this.#index.lastSequence + 1;
  }

  get totals(): SpoolTotals {
    return this.#index.totals;
  }

  get setAsideFiles(): number {
    return this.#setAsideFiles;
  }

  has(sequence: number): boolean {
    return this.#index.has(sequence);
  }

  oldest(after?: number): SpoolEntry | undefined {
    return this.#index.oldest(after);
  }

  async append(
    batch: Batch,
    events: AppendEvents,
    isBeingSent: IsBeingSent = () => false,
  ): Promise<AppendResult> {
    const entry = entryOf(batch);
    try {
      await this.#makeRoom(entry, events, isBeingSent);
      // A disk that others fill takes no more of the spool than the room that this batch needs.
      for (let freedBytes = 0; ; ) {
        try {
          await this.#write(entry.name, [encodeRecordHeader(batch, this.#crc32), batch.body], events);
          break;
        } catch (error) {
          if (!isDiskFull(error) || freedBytes > 2 * blockBytes(entry)) throw error;
          const bytes = await this.#removeOldest('disk_full', events, isBeingSent);
          if (bytes === 0) throw error;
          freedBytes += bytes;
        }
      }
    } catch (error) {
      return { stored: false, error };
    }
    this.#index.add(entry);
    events.onStored();
    return { stored: true };
  }

  async read(entry: SpoolEntry): Promise<Batch | string | FoundStranger> {
    let found: Awaited<ReturnType<SpoolDirectory['read']>>;
    try {
      found = await this.#directory.read(entry.name, entry.bytes);
    } catch (error) {
      const damage = damageOf(error);
      if (damage !== undefined) return damage;
      if (!isRefused(error)) throw error;
      return this.#foundStranger(entry, `it may not be read (${errorCode(error)})`);
    }
    const fault = fileFault(found.look, entry);
    if (fault !== undefined) return this.#foundStranger(entry, fault);
    return decodeRecord(found.bytes, entry, this.#crc32);
  }

  async remove(sequence: number): Promise<string | undefined> {
    const entry = this.#index.remove(sequence);
    if (entry === undefined) return undefined;
    try {
      await this.#directory.remove(entry.name);
      return undefined;
    } catch (error) {
      const look = await this.#directory.look(entry.name);
      const fault = look === undefined ? undefined : fileFault(look, entry);
      if (fault === undefined) throw error;
      return this.#putAside(entry.name, fault);
    }
  }

  close(): Promise<void> {
    return this.#lock.release();
  }

  async #makeRoom(entry: SpoolEntry, events: AppendEvents, isBeingSent: IsBeingSent): Promise<void> {
    if (entry.bytes > FILE_MAX_BYTES) throw new Error(`the batch is larger than ${FILE_MAX_BYTES} bytes`);
    while (this.totals.bytes + blockBytes(entry) > this.maxBytes || this.totals.batches >= BATCHES_MAX) {
      if ((await this.#removeOldest('spool_full', events, isBeingSent)) > 0) continue;
      throw new Error('the batch is larger than the spool');
    }
  }

  /** Returns the disk space that it had; 0 where there is nothing to remove. */
  async #removeOldest(
    reason: 'spool_full' | 'disk_full',
    events: AppendEvents,
    isBeingSent: IsBeingSent,
  ): Promise<number> {
    const victim = this.#index.oldestBut(isBeingSent);
    if (victim === undefined) return 0;
    const removal = this.remove(victim.sequence);
    events.onRemoved(victim, reason);
    const setAside = await removal;
    if (setAside !== undefined) events.onSetAside(setAside);
    return blockBytes(victim);
  }

  /** The file and its unfinished form may each have something in their way. */
  async #write(name: string, parts: readonly Buffer[], events: AppendEvents): Promise<void> {
    for (let obstacles = 0; ; obstacles++) {
      try {
        await this.#directory.write(name, parts);
        return;
      } catch (error) {
        if (!(error instanceof ObstacleError) || obstacles === OBSTACLES_MAX) throw error;
        events.onSetAside(await this.#putAside(error.entryName, 'a batch is to be written there'));
      }
    }
  }

  async #foundStranger(entry: SpoolEntry, fault: string): Promise<FoundStranger> {
    const sentence = await this.#putAside(entry.name, fault);
    this.#index.remove(entry.sequence);
    return { isStranger: true, sentence };
  }

  #putAside(name: string, fault: string): Promise<string> {
    this.#setAsideFiles++;
    return putAside(this.#directory, name, fault);
  }
}

function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(errorCode(error));
}

/** Not for now but for good, as long as nobody changes the file. */
function isRefused(error: unknown): boolean {
  return ['EACCES', 'EPERM', 'ELOOP', 'ENXIO', 'ENODEV'].includes(errorCode(error));
}

/** Read errors that will not pass. */
function damageOf(error: unknown): string | undefined {
  switch (errorCode(error)) {
    case 'ENOENT':
      return 'it is gone; somebody else removed it';
    case 'EIO':
      return `it cannot be read (${errorCode(error)})`;
    default:
      return undefined;
  }
}
