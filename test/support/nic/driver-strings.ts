// SPDX-License-Identifier: Apache-2.0
// The strings of drivers, a file for each, as their sources have them. For tests only.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// dist/test/support/nic -> the source tree
const FOLDER = fileURLToPath(new URL('../../../../test/support/nic/driver-strings/', import.meta.url));

/** In the order of the file. */
export function driverStrings(driver: string): readonly string[] {
  const lines = readFileSync(`${FOLDER}${driver}.txt`, 'utf8').split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}
