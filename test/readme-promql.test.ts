// SPDX-License-Identifier: Apache-2.0
// The README's PromQL without any traffic: it names metrics and labels that there are, promtool takes
// it, and series that begin, end and start anew give the right answers. test/e2e/queries.test.ts runs it.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { CATALOG } from '../src/metrics/catalog.js';
import { readReadmeQueries } from './support/readme-queries.js';

const FLOWS = readReadmeQueries('flows');
const ALERTS = readReadmeQueries('alerts');
const ALL = [...FLOWS, ...ALERTS, ...readReadmeQueries('roce')];
/** What a scraper adds. */
const TARGET_LABELS = ['instance', 'job'];

test('expressions name metrics and labels that there are', () => {
  const labelsOf = new Map(CATALOG.map(({ name, labels }) => [name, labels]));
  assert.ok(FLOWS.length >= 6 && ALERTS.length >= 4 && ALL.length >= 18);
  for (const { promQl } of ALL) {
    const names = promQl.match(/\bxtrace_\w+/g) ?? [];
    assert.ok(names.length > 0, promQl);
    for (const name of names) assert.ok(labelsOf.has(name), `${name} is no metric: ${promQl}`);
    for (const [, name = '', matchers = ''] of promQl.matchAll(/(xtrace_\w+)\{([^}]*)\}/g)) {
      for (const [, label = ''] of matchers.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)) {
        assert.ok(labelsOf.get(name)?.includes(label), `${name} has no label ${label}: ${promQl}`);
      }
    }
    for (const [, list = ''] of promQl.matchAll(/\b(?:by|on) \(([^)]*)\)/g)) {
      for (const label of list.split(', ')) {
        const isKnown = names.some((name) => labelsOf.get(name)?.includes(label));
        assert.ok(isKnown || TARGET_LABELS.includes(label), `nothing has a label ${label}: ${promQl}`);
      }
    }
  }
});

test('promtool takes every expression', (t) => {
  const rules = ALL.map(({ promQl }, i) => ({ record: `readme:expression:${i}`, expr: promQl }));
  runPromtool(t, { 'rules.yaml': { groups: [{ name: 'readme', rules }] } }, ['check', 'rules', 'rules.yaml']);
});

/** One series, a sample every 15 s from 0 on: `_` is none, `stale` ends it. */
interface Given {
  readonly series: string;
  readonly values: string;
}

interface Case {
  readonly what: string;
  readonly promQl: string;
  readonly given: readonly Given[];
  /** Since the first sample. */
  readonly atS: number;
  readonly answer: Readonly<Record<string, number>>;
}

const TALKERS = find(FLOWS, 'top talkers');
const HIDDEN = find(FLOWS, 'share of bytes that no flow series shows');
const MAP_FULL = find(ALERTS, 'within five minutes');

const CASES: readonly Case[] = [
  {
    what: 'a series that is new, in a single scrape, counts with all that it has',
    promQl: TALKERS,
    given: [network('a', '_ _ _ _ _ _ 700 stale')],
    atS: 135,
    answer: { '{src_ip="a"}': 700 },
  },
  {
    what: 'a series that ended within the window counts with what it gained in it',
    promQl: TALKERS,
    given: [network('a', '100x5 400 stale')],
    atS: 120,
    answer: { '{src_ip="a"}': 300 },
  },
  {
    what: 'a series that ended before the window does not count',
    promQl: TALKERS,
    given: [network('a', '100x5 stale'), network('b', '0+15x20')],
    atS: 180,
    answer: { '{src_ip="b"}': 60 },
  },
  {
    what: 'a series that ended in the window without having gained anything in it is 0, not negative',
    promQl: TALKERS,
    given: [network('a', '100x3 stale'), network('b', '0+15x20')],
    atS: 90,
    answer: { '{src_ip="b"}': 60, '{src_ip="a"}': 0 },
  },
  {
    what: 'after a restart a series counts from there on',
    promQl: TALKERS,
    given: [network('a', '1000+100x8 50 60')],
    atS: 150,
    answer: { '{src_ip="a"}': 60 },
  },
  {
    what: 'all is hidden where there is no flow series at all',
    promQl: HIDDEN,
    given: [carried('0+500x20')],
    atS: 200,
    answer: { '{instance="h", interface="eth0"}': 1 },
  },
  {
    what: 'a series that expires hides nothing: what comes without a series does',
    promQl: HIDDEN,
    given: [carried('0 100 200 300 300 300 300 300 400'), network('a', '0 100 200 300 300 300 300 stale')],
    atS: 120,
    answer: { '{instance="h", interface="eth0"}': 1 },
  },
  {
    what: 'the first time that the map is full raises the alert, though its counter was not there before',
    promQl: MAP_FULL,
    given: [overflow('_x9 8x40')],
    atS: 180,
    answer: { 'xtrace_kernel_overflow_packets_total{interface="eth0"}': 8 },
  },
  {
    what: 'five minutes later the alert is over',
    promQl: MAP_FULL,
    given: [overflow('_x9 8x40')],
    atS: 480,
    answer: {},
  },
  {
    what: 'the alert comes again when the counter grows',
    promQl: MAP_FULL,
    given: [overflow('8x40 9x5')],
    atS: 660,
    answer: { 'xtrace_kernel_overflow_packets_total{interface="eth0"}': 9 },
  },
];

for (const { what, promQl, given, atS, answer } of CASES) {
  test(what, (t) => {
    const unitTest = {
      interval: '15s',
      input_series: given,
      promql_expr_test: [
        {
          expr: promQl,
          eval_time: `${atS}s`,
          exp_samples: Object.entries(answer).map(([labels, value]) => ({ labels, value })),
        },
      ],
    };
    const files = {
      'rules.yaml': { groups: [] },
      'test.yaml': { rule_files: ['rules.yaml'], evaluation_interval: '15s', tests: [unitTest] },
    };
    runPromtool(t, files, ['test', 'rules', 'test.yaml']);
  });
}

function network(srcIp: string, values: string): Given {
  return {
    series: `xtrace_network_bytes_total{instance="h",interface="eth0",src_ip="${srcIp}"}`,
    values,
  };
}

function carried(values: string): Given {
  return { series: 'xtrace_interface_bytes_total{instance="h",interface="eth0"}', values };
}

function overflow(values: string): Given {
  return { series: 'xtrace_kernel_overflow_packets_total{interface="eth0"}', values };
}

function find(queries: typeof FLOWS, words: string): string {
  const query = queries.find(({ about }) => about.startsWith(words));
  assert.ok(query !== undefined, `README.md has no expression "${words}"`);
  return query.promQl;
}

/** JSON is YAML, too. */
function runPromtool(t: TestContext, files: Readonly<Record<string, object>>, args: readonly string[]): void {
  const folder = mkdtempSync(join(tmpdir(), 'xtrace-promtool-'));
  try {
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(folder, name), JSON.stringify(content));
    }
    const { error, status, stdout, stderr } = spawnSync('promtool', args, { cwd: folder, encoding: 'utf8' });
    if (error !== undefined && process.env['CI'] !== 'true') {
      t.skip('SKIPPED: promtool is not installed (Debian package prometheus); PromQL was not checked');
      return;
    }
    assert.ifError(error);
    assert.equal(status, 0, stdout + stderr);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
