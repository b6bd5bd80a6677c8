// SPDX-License-Identifier: Apache-2.0
// Clients that no scraper resembles: they send too much, too slowly, or nothing, and leave or stay. In
// processes of their own, so that the test's own scrapes are not held up. For tests only.

import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Namespace } from '../kernel/namespace.js';
import type { Child } from '../processes.js';

const PROGRAM = fileURLToPath(new URL('./flood-child.js', import.meta.url));

/** What one client does. */
export interface FloodPlan {
  readonly host: string;
  readonly port: number;
  /** Open at a time. */
  readonly connections: number;
  /** Shakes hands first; whatever certificate the server has. */
  readonly tls?: boolean;
  /** `opening` is bytes in hexadecimal digits. */
  readonly isHex?: boolean;
  /** Each sends this, then `repeated` so many `times`. */
  readonly opening?: string;
  readonly repeated?: string;
  readonly times?: number;
  /** Sends so much at a time, with a pause between; all at once unless told. */
  readonly pieceBytes?: number;
  readonly pauseMs?: number;
  /** Close, half-close or keep the connection when all is sent. */
  readonly atEnd: 'destroy' | 'end' | 'hold';
  /** A connection that is kept is closed after so long. */
  readonly holdMs?: number;
  /** Reads its answers; leaves them in the socket unless told. */
  readonly reads?: boolean;
  /** A connection that is closed is opened again for so long; never unless told. */
  readonly durationMs?: number;
  /** Closes whatever is still open by then, and ends. */
  readonly limitMs?: number;
}

export interface Flooded {
  readonly connections: number;
  readonly failed: number;
  readonly closed: number;
}

/** Starts a client; stop() ends it. */
export function startFlood(namespace: Pick<Namespace, 'start'>, plan: FloodPlan): Child {
  return namespace.start(process.execPath, [PROGRAM, JSON.stringify(plan)]);
}

/** Runs a client until its last connection is closed. */
export async function flood(namespace: Pick<Namespace, 'start'>, plan: FloodPlan): Promise<Flooded> {
  const child = startFlood(namespace, plan);
  await child.exited;
  await child.stop();
  const last = child.stdout.trimEnd().split('\n').at(-1) ?? '';
  if (!last.startsWith('{')) throw new Error(`the flood ended with: ${child.stdout}${child.stderr}`);
  return JSON.parse(last) as Flooded;
}
