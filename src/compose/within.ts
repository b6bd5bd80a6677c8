// SPDX-License-Identifier: Apache-2.0
// A task of a stop, cut short at a limit.

/**
 * Aborts at the limit. Its timer keeps the process alive, unlike that of AbortSignal.timeout(): a
 * terminal that takes nothing does not, and the process would end in the middle of its stop.
 */
export async function within(
  limitMs: number,
  task: (signal: AbortSignal) => Promise<void> | undefined,
): Promise<void> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), limitMs);
  try {
    await task(limit.signal);
  } finally {
    clearTimeout(timer);
  }
}
