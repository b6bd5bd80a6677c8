// SPDX-License-Identifier: Apache-2.0
// A file of networks, line by line, so that none of its text is kept and nothing holds the event loop up. What
// is no file is not opened for long: a FIFO or a device could be read for ever.

import { isUtf8 } from 'node:buffer';
import { parseCidr } from '../cidr.js';
import { describeReadFailure } from '../errors.js';
import type { Pacer } from '../pacer.js';
import { type FileVersion, openWithoutWaiting, readFileVersion } from '../system/regular-file.js';
import { parseNetworkLine } from './network-line.js';
import { NETWORK_NAMES_MAX } from './network-names.js';
import { PrefixList } from './prefix-list.js';

export const NETWORK_FILE_MAX_BYTES = 64 * 1024 * 1024;
export const PREFIXES_MAX = 1_000_000;

export interface ReadNetworks {
  readonly list: PrefixList;
  /** Of the file as it was read. */
  readonly signature: string;
}

export interface NetworkFileFault {
  /** One sentence, which begins with the file. */
  readonly problem: string;
  /** Of the file that has it; undefined where reading it again may give something else. */
  readonly signature?: string;
}

/** Two addresses, a name of 128 characters of 3 bytes and its quotes; the rest is for comments. */
const LINE_MAX_BYTES = 4096;
const CHUNK_BYTES = 1 << 16;
/** `:: a` and its line feed. */
const LINE_MIN_BYTES = 5;
const LINE_FEED = 0x0a;
const BYTE_ORDER_MARK = '\ufeff';
const REPLACEMENT = '\ufffd';
/** Of a line, as compiled code takes it. */
const LINE_STEP_NS = 1500;

/** Rejects only with what the pacer rejects with. */
export async function readNetworkFile(path: string, pacer: Pacer): Promise<ReadNetworks | NetworkFileFault> {
  let file: Awaited<ReturnType<typeof openWithoutWaiting>>;
  try {
    const { signature, ...version } = await readFileVersion(path);
    const unfit = whyUnfit(version);
    // Opening a device may do something already.
    if (unfit !== undefined) return { problem: `${path} ${unfit}`, signature };
    file = await openWithoutWaiting(path, { followLinks: true });
  } catch (error) {
    return { problem: `${path} cannot be read: ${describeReadFailure(error)}` };
  }
  try {
    return await readOpenFile(path, file, pacer);
  } finally {
    await file.close();
  }
}

type ReadableFile = Awaited<ReturnType<typeof openWithoutWaiting>>;

async function readOpenFile(
  path: string,
  file: ReadableFile,
  pacer: Pacer,
): Promise<ReadNetworks | NetworkFileFault> {
  const version = await readFileVersion(file);
  const unfit = whyUnfit(version);
  const { signature } = version;
  if (unfit !== undefined) return { problem: `${path} ${unfit}`, signature };
  const lines = new LineReader(file, version.sizeBytes);
  let fault: string | undefined;
  try {
    fault = await lines.read(pacer);
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error; // the pacer's
    return { problem: `${path} cannot be read: ${describeReadFailure(error)}` };
  }
  const isWhole = fault !== undefined || lines.bytes === version.sizeBytes;
  if (!isWhole || (await readFileVersion(file)).signature !== signature) {
    return { problem: `${path} changed while it was read; replace it by renaming another file to its name` };
  }
  return fault === undefined ? { list: lines.list, signature } : { problem: `${path}${fault}`, signature };
}

/** Why it cannot be a file of networks, as far as its kind and size tell: a clause. */
function whyUnfit({ kind, sizeBytes }: Pick<FileVersion, 'kind' | 'sizeBytes'>): string | undefined {
  if (kind === 'a directory') return 'cannot be read: it is a directory, give the path of the file in it';
  if (kind !== 'a file') return `cannot be read: it is ${kind}, and must be a file`;
  // That is what remains when somebody begins to write it anew.
  if (sizeBytes === 0) return 'is empty; a comment alone will do where it is to have no networks';
  if (sizeBytes <= NETWORK_FILE_MAX_BYTES) return undefined;
  return `is larger than ${NETWORK_FILE_MAX_BYTES} bytes, which no file of networks is`;
}

class LineReader {
  readonly list: PrefixList;
  /** Read so far. */
  bytes = 0;
  readonly #file: ReadableFile;
  /** The file's size when it was opened. */
  readonly #sizeBytes: number;
  #line = 0;

  constructor(file: ReadableFile, sizeBytes: number) {
    this.#file = file;
    this.list = new PrefixList(Math.min(PREFIXES_MAX, Math.ceil((sizeBytes + 1) / LINE_MIN_BYTES)));
    this.#sizeBytes = sizeBytes;
  }

  /** To the end, or to what is wrong: `, line 7: ...`. */
  async read(pacer: Pacer): Promise<string | undefined> {
    const buffer = Buffer.allocUnsafe(LINE_MAX_BYTES + 1 + CHUNK_BYTES);
    let held = 0; // bytes of a line whose end has not been read yet
    for (;;) {
      const { bytesRead } = await this.#file.read(buffer, held, CHUNK_BYTES, this.bytes);
      this.bytes += bytesRead;
      // It has grown, and the list was made for what it was; the caller sees that it has changed.
      if (this.bytes > this.#sizeBytes) return undefined;
      const end = held + bytesRead;
      const read = buffer.subarray(0, end);
      let from = 0;
      while (from < end) {
        const feed = read.indexOf(LINE_FEED, from);
        const to = feed >= 0 ? feed : end;
        if (feed < 0 && bytesRead > 0 && end - from <= LINE_MAX_BYTES) break;
        this.#line++;
        const problem = this.#takeLine(read, from, to);
        if (problem !== undefined) return `, line ${this.#line}: ${problem}`;
        from = to + 1;
        if (pacer.note(LINE_STEP_NS)) await pacer.turn();
      }
      if (bytesRead === 0) return undefined;
      held = Math.max(0, end - from);
      buffer.copyWithin(0, from, end);
    }
  }

  #takeLine(buffer: Buffer, from: number, to: number): string | undefined {
    if (to - from > LINE_MAX_BYTES) return `it is longer than ${LINE_MAX_BYTES} bytes`;
    let text = buffer.toString('utf8', from, to);
    if (text.includes(REPLACEMENT) && !isUtf8(buffer.subarray(from, to))) return 'it is not UTF-8 text';
    if (this.#line === 1 && text.startsWith(BYTE_ORDER_MARK)) text = text.slice(1);
    if (text.endsWith('\r')) text = text.slice(0, -1);
    const line = parseNetworkLine(text);
    if (line === undefined) return undefined;
    if ('problem' in line) return `it ${line.problem}`;
    const cidr = parseCidr(line.network);
    if ('problem' in cidr) return `${renderNetwork(line.network)} ${cidr.problem}`;
    if (this.list.length === PREFIXES_MAX)
      return `a file has at most ${PREFIXES_MAX} networks, this one more`;
    this.list.add(cidr, line.name, this.#line);
    if (this.list.names.length <= NETWORK_NAMES_MAX) return undefined;
    return `a file has at most ${NETWORK_NAMES_MAX} different names, this one more`;
  }
}

/** What is nothing like a network is not shown: the path may be that of a file of secrets. */
function renderNetwork(text: string): string {
  const isLikeOne = text.length <= 60 && /^[0-9a-f]+[.:][0-9a-f.:]*(?:%\w+)?(?:\/[\d.]*)?$/i.test(text);
  return isLikeOne ? JSON.stringify(text) : 'what it begins with';
}
