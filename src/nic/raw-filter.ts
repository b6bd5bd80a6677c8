// SPDX-License-Identifier: Apache-2.0
// The patterns of nic.raw -> whether a driver's string is shown under its own name.

import { parseInterfaceGlob } from '../interface-glob.js';

/** What config/ has judged; a pattern that makes no sense matches nothing. */
export function rawFilter(patterns: readonly string[]): (name: string) => boolean {
  const globs = patterns.map(parseInterfaceGlob).filter((glob) => 'matches' in glob);
  return (name) => globs.some((glob) => glob.matches(name));
}
