// SPDX-License-Identifier: Apache-2.0
// What is said of a link through which nothing comes: one wording for the doctor, the page and the terminal.

/** No full stop. */
export function downSentence(name: string): string {
  return `${name} is down, so nothing arrives: ip link set dev ${name} up`;
}
