// SPDX-License-Identifier: Apache-2.0
// How many connections there may be: each is an open file, and the exporter needs some for itself.

/** Enough for 500 scrapers; their answers are bounded by web.max_requests. */
export const MAX_CONNECTIONS = 512;
/** So many always find room; the rest of the exporter must then do with less. */
const MIN_CONNECTIONS = 8;
/** Files that the exporter will open beside those that it has: links, pushing, the spool. */
const RESERVED_FILES = 64;

/** openFiles: open now; fileLimit: how many there may be, undefined where there is no limit. */
export function connectionLimit(openFiles: number, fileLimit: number | undefined): number {
  if (fileLimit === undefined) return MAX_CONNECTIONS;
  const left = fileLimit - openFiles - RESERVED_FILES;
  return Math.max(MIN_CONNECTIONS, Math.min(MAX_CONNECTIONS, left));
}
