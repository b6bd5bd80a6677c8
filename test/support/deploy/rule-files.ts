// SPDX-License-Identifier: Apache-2.0
// The rules of deploy/prometheus/rules, as they are shipped. For tests only.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const FOLDER = join(import.meta.dirname, '..', '..', '..', '..', 'deploy', 'prometheus', 'rules');

interface RuleText {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface RecordingRule {
  readonly record: string;
  readonly promQl: string;
}

export interface AlertRule {
  readonly alert: string;
  readonly promQl: string;
  /** '' where it fires at once. */
  readonly after: string;
  readonly severity: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Paths of the files. */
export const RULE_FILES: readonly string[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.yaml'))
  .sort()
  .map((name) => join(FOLDER, name));

const RULES: readonly RuleText[] = RULE_FILES.flatMap((file) =>
  (parse(readFileSync(file, 'utf8')) as { groups: readonly { rules: readonly RuleText[] }[] }).groups.flatMap(
    ({ rules }) => rules,
  ),
);

export const RECORDING_RULES: readonly RecordingRule[] = RULES.flatMap(({ record, expr }) =>
  record === undefined ? [] : { record, promQl: expr },
);

export const ALERT_RULES: readonly AlertRule[] = RULES.flatMap((rule) =>
  rule.alert === undefined
    ? []
    : {
        alert: rule.alert,
        promQl: rule.expr,
        after: rule.for ?? '',
        severity: rule.labels?.['severity'] ?? '',
        annotations: rule.annotations ?? {},
      },
);
