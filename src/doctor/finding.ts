// SPDX-License-Identifier: Apache-2.0
// What the doctor has to say of a fact. Types, and the verdict over all of them. Pure.

/** `problem`: a configured interface will not work. `warning`: it will, but not show what one may expect. */
export type FindingLevel = 'problem' | 'warning' | 'note';

export interface Finding {
  readonly level: FindingLevel;
  /** What it is about; undefined: the host. */
  readonly interfaceName: string | undefined;
  /** What is, and what to do. No full stop at its end. */
  readonly sentence: string;
}

export interface Diagnosis {
  readonly findings: readonly Finding[];
  /** The configured interfaces will work. */
  readonly willWork: boolean;
}

export function diagnosisOf(findings: readonly Finding[]): Diagnosis {
  return { findings, willWork: findings.every((finding) => finding.level !== 'problem') };
}
