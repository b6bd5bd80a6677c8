// SPDX-License-Identifier: Apache-2.0
// Batches on disk, one file each, in the order of their sequence numbers. Holds an index in memory,
// never a body. At its limit, or on a full disk, the oldest goes first.
import { ExporterError } from '../errors.js';
import type { Batch } from './batch.js';
import { createCrc32 } from './crc32.js';
import { type SpoolDirectory, UNFINISHED_SUFFIX } from './spool-directory.js';
import { lockSpool, type SpoolLock } from './spool-lock.js';
import {
  decodeRecord,
  encodeRecordHeader,
  entryOf,
  parseEntryName,
  type SpoolEntry,
} from './spool-record.js';

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
}

export interface SpoolTotals {
  readonly batches: number;
  readonly samples: number;
  /** Disk space. */
  readonly bytes: number;
}

export interface Spool {
  readonly totals: SpoolTotals;
  readonly maxBytes: number;
  /** Greater than that of any batch found at the start. */
  readonly nextSequence: number;
  /** Files that a former process left unfinished, removed at the start. */
  readonly unfinishedFiles: number;
  has(sequence: number): boolean;
  /** The oldest batch, or the oldest after this sequence number. */
  oldest(after?: number): SpoolEntry | undefined;
  /** Never rejects. `spared` stays, even where it is the oldest: it is being sent. */
  append(batch: Batch, events: AppendEvents, spared?: number): Promise<AppendResult>;
  /**
   * The batch, or a clause why its file is damaged; that one is the caller's to remove. Rejects
   * where the file cannot be read for now.
   */
  read(entry: SpoolEntry): Promise<Batch | string>;
  /** Rejects where the file cannot be removed; the index has forgotten it all the same. */
  remove(sequence: number): Promise<void>;
  close(): Promise<void>;
}

/** What disks give space by; a batch of a few samples takes no less. */
const BLOCK_BYTES = 4096;
/** Bounds the index (100 bytes an entry) and the folder, where batches are tiny. */
const BATCHES_MAX = 100_000;

/** Makes the folder where there is none. Rejects with ExporterError SPOOL, a sentence for the operator. */
export async function openSpool({ maxBytes }: SpoolOptions, directory: SpoolDirectory): Promise<Spool> {
  let lock: SpoolLock | undefined;
  try {
    await directory.create();
    lock = await lockSpool(directory.path);
    const names = await directory.names();
    const entries = names.map(parseEntryName).filter((entry) => entry !== undefined);
    const unfinished = names.filter((name) => name.endsWith(`.batch${UNFINISHED_SUFFIX}`));
    for (const name of unfinished) await directory.remove(name);
    return new FileSpool({ maxBytes, unfinishedFiles: unfinished.length }, { directory, lock, entries });
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
  readonly entries: readonly SpoolEntry[];
}

class FileSpool implements Spool {
  readonly nextSequence: number;
  readonly unfinishedFiles: number;
  readonly maxBytes: number;
  readonly #directory: SpoolDirectory;
  readonly #lock: SpoolLock;
  readonly #crc32 = createCrc32();
  /** By sequence. */
  readonly #entries: SpoolEntry[];
  #samples = 0;
  #bytes = 0;

  constructor(options: SpoolOptions & { readonly unfinishedFiles: number }, parts: FileSpoolParts) {
    this.maxBytes = options.maxBytes;
    this.unfinishedFiles = options.unfinishedFiles;
    this.#directory = parts.directory;
    this.#lock = parts.lock;
    this.#entries = [...parts.entries].sort((a, b) => a.sequence - b.sequence);
    for (const entry of this.#entries) this.#account(entry, 1);
    this.nextSequence = (this.#entries.at(-1)?.sequence ?? 0) + 1;
  }

  get totals(): SpoolTotals {
    return { batches: this.#entries.length, samples: this.#samples, bytes: this.#bytes };
  }

  has(sequence: number): boolean {
    return this.#entries[this.#indexFrom(sequence)]?.sequence === sequence;
  }

  oldest(after = -1): SpoolEntry | undefined {
    return this.#entries[after < 0 ? 0 : this.#indexFrom(after + 1)];
  }

  async append(batch: Batch, events: AppendEvents, spared?: number): Promise<AppendResult> {
    const entry = entryOf(batch);
    const removeOldest = async (reason: 'spool_full' | 'disk_full'): Promise<number> => {
      const victim = this.#entries.find(({ sequence }) => sequence !== spared);
      if (victim === undefined) return 0;
      const removal = this.remove(victim.sequence);
      events.onRemoved(victim, reason);
      await removal;
      return blockBytes(victim);
    };
    try {
      while (this.#bytes + blockBytes(entry) > this.maxBytes || this.#entries.length >= BATCHES_MAX) {
        if ((await removeOldest('spool_full')) > 0) continue;
        return { stored: false, error: new Error('the batch is larger than the spool') };
      }
      // A disk that others fill takes no more of the spool than the room that this batch needs.
      for (let freedBytes = 0; ; ) {
        try {
          await this.#directory.write(entry.name, [encodeRecordHeader(batch, this.#crc32), batch.body]);
          break;
        } catch (error) {
          if (!isDiskFull(error) || freedBytes > 2 * blockBytes(entry)) throw error;
          const bytes = await removeOldest('disk_full');
          if (bytes === 0) throw error;
          freedBytes += bytes;
        }
      }
    } catch (error) {
      return { stored: false, error };
    }
    this.#entries.splice(this.#indexFrom(entry.sequence), 0, entry);
    this.#account(entry, 1);
    events.onStored();
    return { stored: true };
  }

  async read(entry: SpoolEntry): Promise<Batch | string> {
    let file: Buffer;
    try {
      file = await this.#directory.read(entry.name);
    } catch (error) {
      const damage = damageOf(error);
      if (damage !== undefined) return damage;
      throw error;
    }
    return decodeRecord(file, entry, this.#crc32);
  }

  async remove(sequence: number): Promise<void> {
    const index = this.#indexFrom(sequence);
    const entry = this.#entries[index];
    if (entry?.sequence !== sequence) return;
    this.#entries.splice(index, 1);
    this.#account(entry, -1);
    await this.#directory.remove(entry.name);
  }

  close(): Promise<void> {
    return this.#lock.release();
  }

  #account(entry: SpoolEntry, sign: 1 | -1): void {
    this.#samples += sign * entry.samples;
    this.#bytes += sign * blockBytes(entry);
  }

  /** Index of the first entry with this sequence number or a greater one. */
  #indexFrom(sequence: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.sequence ?? 0) < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function blockBytes({ bytes }: SpoolEntry): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function isDiskFull(error: unknown): boolean {
  return codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT';
}

/** Read errors that will not pass. */
function damageOf(error: unknown): string | undefined {
  switch (codeOf(error)) {
    case 'ENOENT':
      return 'it is gone; somebody else removed it';
    case 'EIO':
    case 'EISDIR':
      return `it cannot be read (${codeOf(error)})`;
    default:
      return undefined;
  }
}
