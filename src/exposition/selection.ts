// SPDX-License-Identifier: Apache-2.0
// Which subjects an exposition shows. A set of them as a number, so that there are sixteen at most and equal
// ones are equal.

/** In the order in which they are shown, but for flows, whose series come last. */
export const SUBJECTS = ['flows', 'roce', 'rdma', 'nic', 'self'] as const;

/**
 * flows: series of flows, and what is counted by interface and kind; roce: what RoCE headers tell; rdma: what RDMA
 * devices count; nic: what network cards count; self: the exporter and its pushes.
 */
export type Subject = (typeof SUBJECTS)[number];

/** A bit for each subject. */
export type Selection = number;

export function selectionOf(subjects: Iterable<Subject>): Selection {
  let selection = 0;
  for (const subject of subjects) selection |= 1 << SUBJECTS.indexOf(subject);
  return selection;
}

export const ALL_SUBJECTS: Selection = selectionOf(SUBJECTS);

export function isSelected(selection: Selection, subject: Subject): boolean {
  return (selection & (1 << SUBJECTS.indexOf(subject))) !== 0;
}
