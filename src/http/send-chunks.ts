// SPDX-License-Identifier: Apache-2.0
// Sends a list of chunks as fast as the client takes them, and no faster.

import type { ServerResponse } from 'node:http';

export interface SendLimits {
  /** Aborted when the whole has taken too long. */
  readonly signal: AbortSignal;
  /** A client that takes nothing for so long is cut off. */
  readonly maxStallMs: number;
  /** Others wait for this one to be over: it is cut off after PRESSED_STALL_MS. */
  isPressed(): boolean;
}

const PRESSED_STALL_MS = 1000;
/** So often in the shortest stall it is looked. */
const LOOKS = 4;

/**
 * Ends the response after the last chunk; resolves when all of it has left, or when the connection is
 * gone. At a limit the connection is cut: the client must not take what it has for the whole.
 */
export async function sendChunks(
  response: ServerResponse,
  chunks: readonly Buffer[],
  { signal, maxStallMs, isPressed }: SendLimits,
): Promise<void> {
  const cut = (): void => {
    response.destroy();
  };
  let takenAtMs = performance.now();
  const stall = setInterval(() => {
    const stalledMs = performance.now() - takenAtMs;
    if (stalledMs >= (isPressed() ? Math.min(PRESSED_STALL_MS, maxStallMs) : maxStallMs)) cut();
  }, Math.min(PRESSED_STALL_MS, maxStallMs) / LOOKS);
  signal.addEventListener('abort', cut, { once: true });
  try {
    if (signal.aborted) cut();
    for (const chunk of chunks) {
      if (response.destroyed) return;
      if (!response.write(chunk)) await nextOf(response, 'drain');
      takenAtMs = performance.now();
    }
    if (response.destroyed) return;
    response.end();
    await nextOf(response, 'finish');
  } finally {
    clearInterval(stall);
    signal.removeEventListener('abort', cut);
  }
}

/** Resolves at the event, or when the connection closes. */
async function nextOf(response: ServerResponse, event: 'drain' | 'finish'): Promise<void> {
  if (response.destroyed || (event === 'finish' && response.writableFinished)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      response.off(event, done);
      response.off('close', done);
      resolve();
    };
    response.on(event, done);
    response.on('close', done);
  });
}
