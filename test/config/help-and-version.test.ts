// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { COMMAND_NAMES, COMMANDS } from '../../src/config/commands.js';
import { VARIABLES } from '../../src/config/environment.js';
import { FLAGS, settingOf } from '../../src/config/flags.js';
import { flagText, flagWords, renderHelp } from '../../src/config/help.js';
import { SETTINGS } from '../../src/config/settings.js';
import { isSetting, type SettingNode } from '../../src/config/settings-tree.js';
import { parseBuildInfo, renderVersion } from '../../src/config/version.js';
import { complaintsOf, resolve } from '../support/config/fixture-text.js';

const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
const SCREEN = { lines: 24, columns: 80 };
const linesOf = (text: string): string[] => text.trimEnd().split('\n');

describe('the first screen', () => {
  const help = renderHelp('exporter');

  test('names the commands, the flags of the contract, and where the rest is', () => {
    for (const word of [
      ...['-i, --interface', '-f, --filter', '-t, --interval', '--exclude-dns', '-h, --help', '-l, --list'],
      ...['--config.file', '--config.check', '--web.listen-address', '--version', ...COMMAND_NAMES],
      ...['xtrace-catch COMMAND --help', 'xtrace-catch --help=all', 'man xtrace-catch'],
    ]) {
      assert.ok(help.includes(word), word);
    }
  });

  test('does not grow unseen', () => {
    assert.equal(FLAGS.length, 35);
    assert.equal(VARIABLES.length, 4);
  });
});

describe('all there is', () => {
  const help = renderHelp('all');

  test('names every flag, command and variable', () => {
    const words = [...FLAGS.map(flagText), ...COMMAND_NAMES, ...VARIABLES.map(({ name }) => name)];
    assert.ok(words.length >= 30);
    for (const word of words) assert.match(help, new RegExp(`^ +${escapeRegExp(word)}(?= |$)`, 'm'), word);
  });

  test('says the defaults and the words that the settings have', () => {
    const plain = help.replace(/\s+/g, ' ');
    let judged = 0;
    for (const flag of FLAGS) {
      const setting = settingOf(flag);
      assert.equal(setting === undefined, flag.setting === undefined, flag.name);
      if (setting === undefined || flag.argument === undefined || String(setting.default) === '') continue;
      judged++;
      assert.ok(plain.includes(flagWords(flag)), flag.name);
      assert.match(flagWords(flag), new RegExp(`\\(default ${escapeRegExp(String(setting.default))}[,)]`));
      if ('words' in setting) {
        for (const word of setting.words as string[]) assert.ok(flagWords(flag).includes(word), word);
      }
    }
    assert.ok(judged >= 8);
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

for (const command of COMMAND_NAMES) {
  test(`the screen of ${command} names its flags and those that matter to it`, () => {
    const help = renderHelp(command);
    const { uses, examples } = COMMANDS[command];
    for (const name of uses) assert.ok(FLAGS.some((flag) => flag.name === name));
    const wanted = FLAGS.filter(({ name, commands }) => commands?.includes(command) || uses.includes(name));
    for (const flag of wanted) assert.ok(help.includes(`${flagText(flag)} `), flag.name);
    assert.ok(examples.length > 0 && examples.every((example) => help.includes(example)));
  });
}

for (const topic of ['exporter', 'all', ...COMMAND_NAMES] as const) {
  test(`help (${topic}) is no wider than a terminal${topic === 'all' ? '' : ', and one screen of it'}`, () => {
    const help = renderHelp(topic);
    for (const line of linesOf(help)) {
      assert.ok(line.length <= SCREEN.columns, line);
      assert.match(line, /\S$|^$/);
    }
    if (topic !== 'all') assert.ok(linesOf(help).length <= SCREEN.lines);
    assert.match(help, /\S\n$/);
  });
}

describe('which help', () => {
  const cases: [string[], string][] = [
    [['--help'], 'exporter'],
    [['-h', '-i', 'eth0'], 'exporter'],
    [['--help=true'], 'exporter'],
    [['--help=all'], 'all'],
    [['doctor', '--help=all', '--bogus'], 'all'],
    ...COMMAND_NAMES.map((command): [string[], string] => [[command, '-h'], command]),
  ];
  for (const [argv, topic] of cases) {
    test(argv.join(' '), () => assert.deepEqual(resolve({ argv }), { action: 'help', topic }));
  }

  test('what it cannot be about is said', () => {
    assert.deepEqual(complaintsOf({ argv: ['--help=al'] }), [
      '--help: must be true, false, all or without a value, but is "al"',
    ]);
    assert.deepEqual(complaintsOf({ argv: ['--version=all'] }), [
      '--version: must be true, false or without a value, but is "all"',
    ]);
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
