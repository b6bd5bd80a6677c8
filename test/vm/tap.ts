// SPDX-License-Identifier: Apache-2.0
// Reads what node's TAP reporter prints, as far as we need it: the outermost results. For tests only.

export interface TapResult {
  readonly name: string;
  readonly ok: boolean;
  /** Why it did not run; undefined where it did. */
  readonly skipped: string | undefined;
  /** Every line that belongs to it, its subtests' too. */
  readonly lines: readonly string[];
  /** What it had to say (t.diagnostic), in order. */
  readonly diagnostics: readonly string[];
}

export interface TapReport {
  readonly results: readonly TapResult[];
  /** How many results there should be; undefined where the output breaks off before its end. */
  readonly planned: number | undefined;
}

const BEGIN = /^# Subtest: /;
const RESULT = /^(ok|not ok) \d+ - (.*?)(?: # SKIP ?(.*))?$/;
const DIAGNOSTIC = /^# (.*)$/;
const PLAN = /^1\.\.(\d+)$/;
/** A subtest that passed, from its name to the end of its details. */
const PASSED_SUBTEST = /^( +)# Subtest: .*\n\1ok .*\n\1 {2}---\n[\s\S]*?\n\1 {2}\.\.\.\n/gm;

/** @param text TAP, perhaps broken off */
export function parseTap(text: string): TapReport {
  const results: TapResult[] = [];
  // Of the test that is being read: what stands before its result and what stands behind it.
  let lines: string[] = [];
  let diagnostics: string[] = [];
  for (const line of text.split('\n')) {
    const plan = PLAN.exec(line)?.[1];
    if (plan !== undefined) return { results, planned: Number(plan) }; // what follows are sums
    const result = RESULT.exec(line);
    const said = DIAGNOSTIC.exec(line)?.[1];
    if (BEGIN.test(line)) {
      lines = [];
      diagnostics = [];
    } else if (result !== null) {
      const [, verdict, name = '', skipped] = result;
      results.push({ name: unescaped(name), ok: verdict === 'ok', skipped, lines, diagnostics });
    } else if (said !== undefined) {
      diagnostics.push(unescaped(said));
    } else {
      lines.push(line);
    }
  }
  return { results, planned: undefined };
}

/** Why a test failed: its lines without those of subtests that passed. */
export function failureText(result: TapResult): string {
  return result.lines.join('\n').replaceAll(PASSED_SUBTEST, '');
}

/** TAP puts a backslash before '#' and '\'. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([\\#])/g, '$1');
}
