// SPDX-License-Identifier: Apache-2.0
// What a process holds in the kernel's BPF store, and what of it still lives. For tests only.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const KINDS = ['prog', 'map', 'link'] as const;
type Kind = (typeof KINDS)[number];

/** Ids by kind. */
export type BpfObjects = Readonly<Record<Kind, readonly number[]>>;

/** Programs, maps and links that the process has open, by /proc/PID/fdinfo. */
export function heldBpfObjects(pid: number): BpfObjects {
  const held: Record<Kind, number[]> = { prog: [], map: [], link: [] };
  for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
    let info: string;
    try {
      info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8');
    } catch {
      continue; // closed meanwhile
    }
    // A link's fdinfo names its program, too; the link is what is held.
    const kind = (['link', 'map', 'prog'] as const).find((one) => info.includes(`${one}_id:`));
    const id = kind === undefined ? undefined : new RegExp(`^${kind}_id:\\s+(\\d+)$`, 'm').exec(info)?.[1];
    if (kind !== undefined && id !== undefined) held[kind].push(Number(id));
  }
  return held;
}

/** Those of the given ids that the kernel still has. */
export function livingBpfObjects(objects: BpfObjects): BpfObjects {
  const living = (kind: Kind): number[] => {
    const text = execFileSync('bpftool', ['-j', kind, 'show'], { encoding: 'utf8', stdio: 'pipe' });
    const ids = new Set((JSON.parse(text === '' ? '[]' : text) as { id: number }[]).map(({ id }) => id));
    return objects[kind].filter((id) => ids.has(id));
  };
  return { prog: living('prog'), map: living('map'), link: living('link') };
}
