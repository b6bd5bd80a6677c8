// SPDX-License-Identifier: Apache-2.0
// Escaping of label values, the same in text 0.0.4 and OpenMetrics 1.0.

const SPECIAL = /[\\"\n]/g;

/** The value as it stands between the quotes of a label. */
export function escapeLabelValue(value: string): string {
  return value.replace(SPECIAL, (char) => (char === '\n' ? '\\n' : `\\${char}`));
}
