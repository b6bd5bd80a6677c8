// SPDX-License-Identifier: Apache-2.0
// Every expression of deploy/prometheus/rules and of the dashboards, evaluated by Debian's prometheus and by
// victoria-metrics with vmalert, over exporters in the very trouble that each alert is about: none has an
// empty answer.

import assert from 'node:assert/strict';
import { waitFor } from '../support/conditions.js';
import { readDashboardQueries } from '../support/deploy/dashboard-queries.js';
import { startFleet } from '../support/deploy/fleet.js';
import { ALERT_RULES, RECORDING_RULES } from '../support/deploy/rule-files.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import type { Scraper } from '../support/receivers/scrapers.js';

/** Of all answers together. Ten minutes of a rate need no ten minutes: what there is counts. */
const LIMIT_MS = 180_000;

/** What must be answered, by a name for it. */
function questions(): ReadonlyMap<string, string> {
  return new Map([
    ...RECORDING_RULES.map(({ record, promQl }): [string, string] => [`${record}, asked`, promQl]),
    ...RECORDING_RULES.map(({ record }): [string, string] => [`${record}, recorded`, record]),
    ...ALERT_RULES.map(({ alert, promQl }): [string, string] => [`${alert}, asked`, promQl]),
    ...readDashboardQueries().map(({ dashboard, panel, promQl }): [string, string] => [
      `${dashboard}, ${panel}: ${promQl}`,
      promQl,
    ]),
    // Pending or firing, by the server's own evaluation.
    ...ALERT_RULES.map(({ alert }): [string, string] => [`${alert}, raised`, `ALERTS{alertname="${alert}"}`]),
  ]);
}

/** Those that have not been answered within the limit. */
async function unanswered(scraper: Scraper): Promise<readonly string[]> {
  const open = new Map(questions());
  await waitFor(
    `${scraper.name} to answer`,
    async () => {
      for (const [name, promQl] of open) if ((await scraper.query(promQl)).length > 0) open.delete(name);
      return open.size === 0;
    },
    { limitMs: LIMIT_MS, intervalMs: 1000 },
  ).catch((error: unknown) => {
    if (open.size === 0) throw error;
  });
  return [...open.keys()].map((name) => `${scraper.name}: ${name}`);
}

kernelTest('every rule and every panel has an answer, from both', async (t) => {
  const fleet = await startFleet(t);
  await fleet.breakDown();
  assert.deepEqual((await Promise.all(fleet.scrapers.map(unanswered))).flat(), []);
  for (const scraper of fleet.scrapers) {
    const annotations = await scraper.annotations();
    assert.ok(annotations.length > 0, scraper.name);
    for (const { alert, texts } of annotations) {
      for (const text of Object.values(texts)) {
        assert.doesNotMatch(text, /<no value>|<error|NaN|\{\{/, `${scraper.name}: ${alert}: ${text}`);
      }
    }
    assert.doesNotMatch(scraper.output(), /Evaluating rule failed|cannot execute query/i, scraper.name);
  }
});
