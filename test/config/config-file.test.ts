// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ReadFile } from '../../src/config/config-file.js';
import { setInLayer } from '../../src/config/layer.js';
import { resolveConfig } from '../../src/config/resolve-config.js';
import { SETTINGS } from '../../src/config/settings.js';
import { ConfigError } from '../../src/errors.js';
import { readFileStart } from '../../src/system/file-start.js';
import { complaintsOf, resolve, resolveRun } from '../support/config/fixture-text.js';

const readFile: ReadFile = (path, mostBytes) => readFileStart(path, { mostBytes });

const DEFAULTS = resolveRun({});

describe('files that say nothing give the defaults', () => {
  const texts = [
    '',
    '\n\n',
    '# a comment\n',
    '---\n...\n',
    '{}',
    'null',
    'flows:\nweb:\n',
    '\ufeff# with a BOM\n',
  ];
  for (const text of texts) {
    test(JSON.stringify(text), () => assert.deepEqual(resolveRun({ file: text }), DEFAULTS));
  }
});

test('aliases, comments, quotes and flow style are plain YAML', () => {
  const config = resolveRun({
    file: '# x\ninterfaces: [&a eth0, "eth1", *a]\ncollect_agg: &agg "12"\nflows: {max_series: 0x10} # y\n',
  });
  assert.deepEqual(config.interfaces, ['eth0', 'eth1']);
  assert.deepEqual([config.collectAgg, config.flows.maxSeries], ['12', 16]);
});

describe('files that cannot be read', () => {
  const cases: [string, RegExp][] = [
    ['/nonexistent/x.yaml', /^\/nonexistent\/x\.yaml: cannot be read: there is no such file$/],
    ['/', /^\/: cannot be read: it is a directory, give the path of the file in it$/],
    [
      process.execPath,
      /: is (larger than 65536 bytes, which no configuration file is|a binary file, not YAML text)$/,
    ],
  ];
  for (const [path, wanted] of cases) {
    test(path === process.execPath ? 'an executable' : path, () => {
      assert.throws(
        () => resolveConfig({ argv: [`--config.file=${path}`], env: {}, readFile }),
        (error) => error instanceof ConfigError && error.problems.length === 1 && wanted.test(error.message),
      );
    });
  }

  test('no permission', () => {
    const refuse = (): never => {
      throw Object.assign(new Error('EACCES: permission denied, open'), { code: 'EACCES' });
    };
    assert.throws(() => resolveConfig({ argv: ['--config.file=x'], env: {}, readFile: refuse }), {
      message: 'x: cannot be read: permission denied (EACCES)',
    });
  });
});

describe('files that are no configuration', () => {
  const cases: [string, string | Uint8Array, string[]][] = [
    ['binary', Buffer.from([0x7f, 0x45, 0, 1]), ['x.yaml: is a binary file, not YAML text']],
    ['Latin-1', Buffer.from('collect_agg: caf\xe9\n', 'latin1'), ['x.yaml: is not UTF-8 text']],
    ['a list', '- a\n', ['x.yaml: must be a mapping of keys to values, but is a list']],
    ['a word', 'hello\n', ['x.yaml: must be a mapping of keys to values, but is text']],
    [
      'two documents',
      'filter: tcp\n---\nfilter: udp\n',
      ['x.yaml:2:1: a second document starts here, only one is read'],
    ],
    ['a key twice', 'filter: tcp\nflows: {}\nfilter: udp\n', ['x.yaml:3:1: Map keys must be unique']],
    [
      'a key twice in a section',
      'web:\n  max_requests: 1\n  max_requests: 2\n',
      ['x.yaml:3:3: Map keys must be unique'],
    ],
    ['a tab', 'flows:\n\tvlan: true\n', ['x.yaml:2:1: Tabs are not allowed as indentation']],
    [
      'a tag',
      'filter: !!js/function tcp\n',
      ['x.yaml:1:9: Unresolved tag; text that begins with "!" or "*" needs quotes'],
    ],
    ['deep lists', '['.repeat(60_000), ['x.yaml: is nested deeper than any configuration file']],
    ['deep mappings', '{a: '.repeat(15_000), ['x.yaml: is nested deeper than any configuration file']],
    ['deep blocks', '- '.repeat(30_000), ['x.yaml: is nested deeper than any configuration file']],
    ['large', ' '.repeat(65_537), ['x.yaml: is larger than 65536 bytes, which no configuration file is']],
    [
      'an alias of nothing',
      'filter: *nope\n',
      [
        'filter: cannot be read: Unresolved alias (the anchor must be set before the alias); text that begins with "*" needs quotes (x.yaml, line 1)',
      ],
    ],
    [
      'a list that holds itself',
      'interfaces: &a [*a]\n',
      [
        'interfaces: an interface name is 1 to 15 bytes without spaces, "/" and ":", but one is a list (x.yaml, line 1)',
      ],
    ],
  ];
  for (const [name, file, wanted] of cases) {
    test(name, () => assert.deepEqual(complaintsOf({ file }), wanted));
  }

  test('what YAML finds amiss is told without what stands there', () => {
    for (const [file, wanted] of [
      ['collect_agg: "a" b\n', 'x.yaml:1:18: Unexpected scalar at node end'],
      ['collect_agg: "a\n', 'x.yaml:2:1: Missing closing "quote'],
      ["collect_agg: 'a\n", "x.yaml:2:1: Missing closing 'quote"],
      ['collect_agg: "\\q"\n', 'x.yaml:1:15: Invalid escape sequence'],
      ['collect_agg: >x\n', 'x.yaml:1:15: Block scalar header includes extra characters'],
      [
        'web: [a: {b\n',
        'x.yaml:2:1: Flow map in block collection must be sufficiently indented and end with a }',
      ],
      [
        'collect_agg: *a:\n',
        'x.yaml:1:16: Alias ending in : is ambiguous; text that begins with "!" or "*" needs quotes',
      ],
    ] as const) {
      assert.equal(complaintsOf({ file })[0], wanted, file);
    }
  });

  test('a syntax error has its line and column, and its followers are few', () => {
    const complaints = complaintsOf({ file: `filter: tcp\nweb: [1,\n${'}]{:\n'.repeat(200)}` });
    assert.match(complaints[0] ?? '', /^x\.yaml:3:\d+: /);
    assert.ok(complaints.length <= 5);
  });

  test('aliases within aliases are not multiplied out', () => {
    const levels = [1, 2, 3, 4, 5, 6, 7, 8].map(
      (n) =>
        `a${n}: &a${n} [${Array(10)
          .fill(`*a${n - 1}`)
          .join(', ')}]`,
    );
    const complaints = complaintsOf({ file: `a0: &a0 [x, x]\n${levels.join('\n')}\ninterfaces: *a8\n` });
    assert.equal(complaints.length, 10);
    assert.equal(
      complaints[9],
      'interfaces: an interface name is 1 to 15 bytes without spaces, "/" and ":", but one is a list (x.yaml, line 10)',
    );
  });
});

describe('keys', () => {
  const cases: [string, string, string[]][] = [
    [
      'unknown',
      'filtr: tcp\n',
      ['filtr: there is no such key at the top level, did you mean "filter"? (x.yaml, line 1)'],
    ],
    [
      'unknown in a section',
      'log:\n  colour: red\n',
      ['log.colour: there is no such key in log; known are level, format (x.yaml, line 2)'],
    ],
    [
      'with dots',
      'log.level: debug\n',
      ['log.level: write it as sections: log: and below it level: (x.yaml, line 1)'],
    ],
    [
      'without a value',
      'filter:\ninterval_ms: ~\n',
      [
        'filter: has no value; give one, or leave the key out for the default (x.yaml, line 1)',
        'interval_ms: has no value; give one, or leave the key out for the default (x.yaml, line 2)',
      ],
    ],
    [
      'a value for a section',
      'log: debug\n',
      ['log: must be a section with the keys level, format, but is "debug" (x.yaml, line 1)'],
    ],
    [
      'a section for a value',
      'interval_ms: {a: {b: {c: 1}}}\n',
      [
        'interval_ms: must be a whole number from 100 to 3600000 (milliseconds), but is a mapping (x.yaml, line 1)',
      ],
    ],
    [
      'not text',
      '? [a, b]\n: 1\n? 3\n: 4\n',
      [
        '?: there is no such key at the top level; known are interfaces, filter, interval_ms, exclude_dns, collect_agg, host_ip, networks, attach_mode, print, state_path, flows, kernel, roce, rdma, nic, web, log, push (x.yaml, line 1)',
        '3: there is no such key at the top level; known are interfaces, filter, interval_ms, exclude_dns, collect_agg, host_ip, networks, attach_mode, print, state_path, flows, kernel, roce, rdma, nic, web, log, push (x.yaml, line 3)',
      ],
    ],
  ];
  for (const [name, file, wanted] of cases) {
    test(name, () => assert.deepEqual(complaintsOf({ file }), wanted));
  }

  for (const key of ['__proto__', 'constructor', 'prototype']) {
    for (const [where, text] of [
      ['at the top', `${key}: {polluted: true}\n`],
      ['in a section', `flows: {${key}: {polluted: true}}\n`],
      ['nested', `${key}: {${key}: {prototype: {polluted: true}}}\n`],
      ['quoted', `"${key}": {polluted: true}\n`],
    ] as const) {
      test(`${key} ${where} is refused and pollutes nothing`, () => {
        assert.match(
          complaintsOf({ file: text }).join(),
          /is a reserved word and refused as a key \(x\.yaml, line 1\)/,
        );
        assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
      });
    }
  }
});

describe('values are not bent to fit', () => {
  const cases: [string, string][] = [
    ['exclude_dns: "false"', 'exclude_dns: must be true or false, but is "false"'],
    ['exclude_dns: 0', 'exclude_dns: must be true or false, but is 0'],
    [
      'interval_ms: 100.5',
      'interval_ms: must be a whole number from 100 to 3600000 (milliseconds), but is 100.5',
    ],
    [
      'interval_ms: .nan',
      'interval_ms: must be a whole number from 100 to 3600000 (milliseconds), but is NaN',
    ],
    [
      'interval_ms: .inf',
      'interval_ms: must be a whole number from 100 to 3600000 (milliseconds), but is Infinity',
    ],
    [
      'interfaces: eth0',
      'interfaces: must be a list of interface names, such as [eth0, eth1], but is "eth0"',
    ],
    ['interfaces: []', 'interfaces: must name at least one interface'],
    [
      'interfaces: [eth0, 3]',
      'interfaces: an interface name is 1 to 15 bytes without spaces, "/" and ":", but one is 3',
    ],
    ['collect_agg: 12', 'collect_agg: must be text of 1 to 128 characters on one line, but is 12'],
    ['collect_agg: ""', 'collect_agg: must be text of 1 to 128 characters on one line, but is ""'],
    ['collect_agg: "a\\nb"', 'collect_agg: must be text of 1 to 128 characters on one line, but is "a\\nb"'],
    [
      'kernel: {slots_per_cpu: 4095}',
      'kernel.slots_per_cpu: must be a power of two from 64 to 1048576, but is 4095',
    ],
    [
      'kernel: {slots_per_cpu: 32}',
      'kernel.slots_per_cpu: must be a power of two from 64 to 1048576, but is 32',
    ],
    [
      'kernel: {max_flows: 16777217}',
      'kernel.max_flows: must be a whole number from 1 to 16777216, but is 16777217',
    ],
    [
      'flows: {ipv4_prefix_length: 33}',
      'flows.ipv4_prefix_length: must be a whole number from 0 to 32, but is 33',
    ],
    [
      'flows: {ipv6_prefix_length: -1}',
      'flows.ipv6_prefix_length: must be a whole number from 0 to 128, but is -1',
    ],
    ['roce: {max_pairs: 0}', 'roce.max_pairs: must be a whole number from 1 to 100000, but is 0'],
    [
      'roce: {max_streams: 1048577}',
      'roce.max_streams: must be a whole number from 1 to 1048576, but is 1048577',
    ],
    ['roce: {per_queue_pair: 1}', 'roce.per_queue_pair: must be true or false, but is 1'],
    ['rdma: {sysfs_path: ""}', 'rdma.sysfs_path: must be an absolute path, such as /sys, but is ""'],
    ['rdma: {sysfs_path: sys}', 'rdma.sysfs_path: must be an absolute path, such as /sys, but is "sys"'],
    [
      'push: {url: localhost}',
      'push.url: must be an http:// or https:// URL, but is text of 9 characters (not shown, as it may be a secret)',
    ],
    ['push: {url: "http:///x"}', 'push.url: must be an http:// or https:// URL, but is "http:///x"'],
  ];
  for (const [file, wanted] of cases) {
    test(file, () => assert.deepEqual(complaintsOf({ file }), [`${wanted} (x.yaml, line 1)`]));
  }
});

test('every setting refuses a value of the wrong kind', () => {
  const wrong = (section: object, prefix: string): void => {
    for (const [key, node] of Object.entries(section)) {
      const path = prefix + key;
      if (!('rule' in node)) {
        wrong(node, `${path}.`);
        continue;
      }
      const file: Record<string, unknown> = {};
      const isMapping = 'isMapping' in node;
      setInLayer(file, path, isMapping ? ['not this'] : { not: 'this' });
      assert.match(
        complaintsOf({ file: JSON.stringify(file) }).join(),
        new RegExp(`^${path}: must be .* a ${isMapping ? 'list' : 'mapping'}`),
      );
    }
  };
  wrong(SETTINGS, '');
});

test('a file that is checked is not run', () => {
  const resolution = resolve({ argv: ['--config.check'], file: 'filter: tcp' });
  assert.equal(resolution.action, 'check');
});
