// SPDX-License-Identifier: Apache-2.0
// What the spool believes: of a folder, of a name, and of what stands under a name. Pure. A fault is
// a clause for people.

import type { FileKind } from '../system/regular-file.js';
import { RECORD_HEADER_BYTES, type SpoolEntry } from './spool-record.js';

/** A file larger than what any receiver takes (32 MiB) is none of ours; ours are far smaller. */
export const FILE_MAX_BYTES = 32 * 1024 * 1024;
/** push.batch_max_samples allows a tenth of it. */
const SAMPLES_MAX = 1_000_000;
/**
 * A batch a millisecond gets here in 140,000 years. Numbers go on above that of the last batch found,
 * and from 2^53 on they would stand still.
 */
const SEQUENCE_MAX = 2 ** 52;

const WORLD_WRITABLE = 0o002;
const STICKY = 0o1000;

/** What stands under a name. */
export interface FileLook {
  readonly kind: FileKind;
  readonly bytes: number;
  /** Of this program's user, or of root. */
  readonly isTrusted: boolean;
  readonly userId: number;
}

/** Why a folder cannot hold a spool; undefined where it can. */
export function folderFault(
  { uid, mode }: { readonly uid: number; readonly mode: number },
  ownUserId: number,
): string | undefined {
  if (uid !== ownUserId && uid !== 0) {
    return `it belongs to user ${uid}, and this program runs as user ${ownUserId}: change its owner (chown), or give another folder`;
  }
  if ((mode & WORLD_WRITABLE) !== 0 && (mode & STICKY) === 0) {
    return 'every user may remove files from it: give a folder inside it, which is then made for this program alone, or take that right away (chmod o-w)';
  }
  return undefined;
}

/** Why a name cannot be one of ours, though it looks like one. */
export function nameFault({ sequence, samples, bytes }: SpoolEntry): string | undefined {
  if (sequence > SEQUENCE_MAX) return `the number ${sequence} is beyond any that this program gives`;
  if (samples > SAMPLES_MAX) return `no batch has ${samples} samples`;
  if (bytes < RECORD_HEADER_BYTES || bytes > FILE_MAX_BYTES) return `no batch has ${bytes} bytes`;
  return undefined;
}

/** Why what stands there is not what was written under this name. A file that is too short is torn. */
export function fileFault(look: FileLook, { bytes }: Pick<SpoolEntry, 'bytes'>): string | undefined {
  if (look.kind !== 'a file') return `it is ${look.kind}`;
  if (!look.isTrusted) return `it belongs to user ${look.userId}`;
  if (look.bytes > bytes) return `it has ${look.bytes} bytes, its name says ${bytes}`;
  return undefined;
}
