// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { VARIABLES } from '../../src/config/environment.js';
import { FLAGS } from '../../src/config/flags.js';
import { renderHelp } from '../../src/config/help.js';
import { SETTINGS } from '../../src/config/settings.js';
import { isSetting, type SettingNode } from '../../src/config/settings-tree.js';
import { parseBuildInfo, renderVersion } from '../../src/config/version.js';
import { complaintsOf, resolve } from '../support/config/fixture-text.js';

describe('help', () => {
  const help = renderHelp();

  test('names every flag and every variable of the contract', () => {
    const words = [
      ...['-i, --interface', '-f, --filter', '-t, --interval', '--exclude-dns', '-h, --help', '-l, --list'],
      ...['--attach-mode', '--web.listen-address', '--web.telemetry-path', '--config.file', '--config.check'],
      ...[
        '--print',
        '--no-print',
        '--json',
        '--probe',
        '--wait',
        '--for',
        '--log.level',
        '--log.format',
        '--flows.max-series',
        '--kernel.pin-path',
        '--web.systemd-socket',
        '--web.config.file',
        '--version',
      ],
      ...['NETWORK_INTERFACE', 'VICTORIAMETRICS_ENABLED', 'VICTORIAMETRICS_REMOTE_WRITE', 'COLLECT_AGG'],
    ];
    for (const word of words) assert.ok(help.includes(word), word);
    assert.equal(FLAGS.length, 27);
    assert.equal(VARIABLES.length, 4);
  });

  test('is at most 100 columns wide and ends in one line feed', () => {
    for (const line of help.split('\n')) assert.ok(line.length <= 100, line);
    assert.match(help, /\S\n$/);
  });

  test('says the defaults that the code has', () => {
    const defaultOf = (path: string): unknown => {
      const node = path
        .split('.')
        .reduce(
          (section, key) => (section as Record<string, SettingNode>)[key] ?? {},
          SETTINGS as SettingNode,
        );
      return isSetting(node) ? node.default : assert.fail(path);
    };
    for (const flag of FLAGS) {
      if (flag.setting === undefined || flag.argument === undefined) continue;
      const said = /\(default ([^,;)\s]+?)[:,;)]* /.exec(`${flag.doc.join(' ')} `)?.[1];
      assert.equal(said ?? '', String(defaultOf(flag.setting)), flag.name);
    }
  });

  test('its examples resolve', () => {
    const examples = [...help.matchAll(/^ {2}xtrace-catch (.+)$/gm)].map((match) =>
      (match[1] ?? '').split(' '),
    );
    assert.ok(examples.length >= 4);
    for (const argv of examples) {
      const plain = argv.filter((word) => !word.startsWith('--config.file'));
      assert.doesNotThrow(() => resolve({ argv: plain }));
    }
  });
});

test('every flag and variable that gives a setting names one that exists', () => {
  for (const path of [...FLAGS, ...VARIABLES].flatMap(({ setting }) => setting ?? [])) {
    const keys = path.split('.');
    const node = keys.reduce<unknown>((section, key) => (section as Record<string, unknown>)[key], SETTINGS);
    assert.ok(isSetting(node as SettingNode), path);
  }
});

describe('did you mean', () => {
  const cases: [string, string][] = [
    ['--intreval', '--interval'],
    ['--exclude_dns', '--exclude-dns'],
    ['--listen-address', '--web.listen-address'],
    ['--xyzzy', ''],
    ['--weblisten-address', '--web.listen-address'],
    ['--PRINT', '--print'],
  ];
  for (const [given, meant] of cases) {
    test(`${given}: ${meant || 'nothing near'}`, () => {
      const [complaint = ''] = complaintsOf({ argv: [given] });
      assert.equal(/did you mean "([^"]*)"/.exec(complaint)?.[1] ?? '', meant);
    });
  }
});

describe('version', () => {
  const platform = { nodeVersion: 'v24.1.0', platform: 'linux', arch: 'x64' };

  test('in the manner of Prometheus exporters', () => {
    const build = parseBuildInfo(
      '{"version":"1.2.3"}',
      '{"branch":"main","revision":"abc123","build_user":"me","build_date":"2026-01-31T12:00:00Z"}',
    );
    assert.equal(
      renderVersion(build, platform),
      [
        'xtrace-catch, version 1.2.3 (branch: main, revision: abc123)',
        '  build user:       me',
        '  build date:       2026-01-31T12:00:00Z',
        '  node version:     v24.1.0',
        '  platform:         linux/x64',
        '',
      ].join('\n'),
    );
  });

  for (const text of [undefined, '', '{', '[]', 'null', '{"branch":1,"revision":""}']) {
    test(`build info ${text}: unknown, and no error`, () => {
      const build = parseBuildInfo('{"version":"1.2.3"}', text);
      assert.deepEqual(build, {
        version: '1.2.3',
        branch: 'unknown',
        revision: 'unknown',
        buildUser: 'unknown',
        buildDate: 'unknown',
      });
    });
  }
});
