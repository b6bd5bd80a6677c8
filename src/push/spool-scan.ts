// SPDX-License-Identifier: Apache-2.0
// The start of a spool: which of the things in its folder are batches. What only looks like one is
// set aside; what has another name is left alone.

import { errorCode } from '../system/regular-file.js';
import { type SpoolDirectory, UNFINISHED_SUFFIX } from './spool-directory.js';
import { parseEntryName, type SpoolEntry } from './spool-record.js';
import { fileFault, nameFault } from './spool-rules.js';

export interface SpoolScan {
  /** By sequence, each of which comes once. */
  readonly entries: readonly SpoolEntry[];
  /** What a former process left of its writes; removed. */
  readonly unfinishedFiles: number;
  /** A sentence for each. */
  readonly setAside: readonly string[];
}

/** Keeps the threads of the pool busy: 100,000 files, the most there are, take about 2 s. */
const LOOKS_AT_ONCE = 128;

export async function scanSpool(directory: SpoolDirectory, batchesMax: number): Promise<SpoolScan> {
  const setAside: string[] = [];
  const refuse = async (name: string, fault: string): Promise<void> => {
    setAside.push(await putAside(directory, name, fault));
  };
  const names = (await directory.names()).sort();
  const unfinishedFiles = await removeUnfinished(directory, names, refuse);

  const possible: SpoolEntry[] = [];
  for (const entry of names.map(parseEntryName)) {
    if (entry === undefined) continue;
    const fault = nameFault(entry);
    if (fault === undefined) possible.push(entry);
    else await refuse(entry.name, fault);
  }
  for (const entry of possible.splice(0, possible.length - batchesMax)) {
    await refuse(entry.name, `the spool holds no more than ${batchesMax} batches`);
  }

  const entries: SpoolEntry[] = [];
  for (let at = 0; at < possible.length; at += LOOKS_AT_ONCE) {
    const group = possible.slice(at, at + LOOKS_AT_ONCE);
    const faults = await Promise.all(group.map((entry) => faultOf(directory, entry)));
    for (const [index, entry] of group.entries()) {
      const isTwice = entries.at(-1)?.sequence === entry.sequence;
      const fault = faults[index] ?? (isTwice ? `there is another batch ${entry.sequence}` : undefined);
      if (fault === undefined) entries.push(entry);
      else await refuse(entry.name, fault);
    }
  }
  return { entries, unfinishedFiles, setAside };
}

/** Renames it, and says so. What cannot be renamed is left there; the caller forgets it either way. */
export async function putAside(directory: SpoolDirectory, name: string, fault: string): Promise<string> {
  try {
    return `${name}: ${fault}; it is now ${await directory.setAside(name)}`;
  } catch (error) {
    return `${name}: ${fault}; it cannot be renamed (${errorCode(error)}) and stays`;
  }
}

async function faultOf(directory: SpoolDirectory, entry: SpoolEntry): Promise<string | undefined> {
  try {
    const look = await directory.look(entry.name);
    return look === undefined ? undefined : fileFault(look, entry); // what is gone fails when it is read
  } catch (error) {
    return `it cannot be looked at (${errorCode(error)})`;
  }
}

/** Returns how many. */
async function removeUnfinished(
  directory: SpoolDirectory,
  names: readonly string[],
  refuse: (name: string, fault: string) => Promise<void>,
): Promise<number> {
  let removed = 0;
  for (const name of names) {
    if (!name.endsWith(UNFINISHED_SUFFIX)) continue;
    const entry = parseEntryName(name.slice(0, -UNFINISHED_SUFFIX.length));
    if (entry === undefined) continue;
    const fault = await faultOf(directory, { ...entry, name });
    if (fault === undefined) {
      await directory.remove(name);
      removed++;
    } else {
      await refuse(name, fault);
    }
  }
  return removed;
}
