// SPDX-License-Identifier: Apache-2.0
// The completions in bash and zsh themselves, on a terminal: each flag, command and word is completed, files and
// interfaces are, and no name, however hostile, becomes anything but one word.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { wordsOf } from '../../deploy/manual/flag-values.js';
import { COMMAND_NAMES } from '../../src/config/commands.js';
import { FLAGS, type Flag } from '../../src/config/flags.js';
import { gatedTest } from '../support/gated-test.js';
import { type ShellName, TerminalShell } from '../support/shells/terminal-shell.js';

const COMPLETIONS = path.join(import.meta.dirname, '..', '..', 'completions');
const FILES = { bash: 'xtrace-catch.bash', zsh: '_xtrace-catch' } as const;
/** Each is the only one that begins as it does. All but a blank, a colon and a slash may be in a name. */
const HOSTILE = [
  ...['y$(id>pwned)', 'b`id>pwned`', 'c;id>pwned', 'd*', "s'x", 'f"x', 'g\\x', '-h', 'i&id>pwned'],
  ...[
    'j{a,b}',
    'k~',

    'm#x',
    'n[x]',
    'o>pwned',
    'p|id>pwned',
    'q=x',
    'r@x',
    '%s',
    'u\u00e9',
    'v$HOME',
    '~w',
  ],
];
const INTERFACES = [...HOSTILE, 'eth0', 'eth1', 'zlink'];

function missing(shell: ShellName, alsoNeeds: readonly string[] = []): string | undefined {
  const needed = [`/usr/bin/${shell}`, '/usr/bin/script', path.join(COMPLETIONS, FILES[shell]), ...alsoNeeds];
  const absent = needed.filter((file) => !existsSync(file));
  return absent.length === 0 ? undefined : `there is no ${absent.join(', ')} (make build)`;
}

const commandOf = ({ commands }: Flag): string => (commands === undefined ? '' : `${commands[0]} `);

for (const [what, shell, withBashCompletion] of [
  ['bash', 'bash', false],
  ['bash with bash-completion', 'bash', true],
  ['zsh', 'zsh', false],
] as const) {
  describe(what, () => {
    let started: Promise<TerminalShell> | undefined;
    const terminal = (): Promise<TerminalShell> => {
      started ??= TerminalShell.start({
        shell,
        completion: path.join(COMPLETIONS, FILES[shell]),
        interfaces: INTERFACES,
        withBashCompletion,
      });
      return started;
    };
    after(async () => (await started)?.stop());
    const needs = withBashCompletion ? ['/usr/share/bash-completion/bash_completion'] : [];
    const shellTest = (name: string, run: (it: TerminalShell) => Promise<void>): void =>
      gatedTest({ what: 'a shell', missing: missing(shell, needs) }, name, async () => run(await terminal()));

    shellTest('completes every flag, those of a command behind it', async (it) => {
      for (const flag of FLAGS) {
        const line = `xtrace-catch ${commandOf(flag)}--${flag.name}`;
        const completed = await it.type(`${line.slice(0, -1)}\t`);
        assert.equal(completed.replace(/[= ]+$/, ''), line);
        if (flag.argument !== undefined) assert.match(completed, /=$/);
      }
      const foreign = await it.type('xtrace-catch unpin --prob\t');
      assert.equal(foreign, 'xtrace-catch unpin --prob');
    });

    shellTest('completes every command, as the first word', async (it) => {
      for (const command of COMMAND_NAMES) {
        const line = `xtrace-catch ${command}`;
        assert.equal(await it.type(`${line.slice(0, -2)}\t`), `${line} `);
      }
      assert.equal(await it.type('xtrace-catch -l doct\t'), 'xtrace-catch -l doct');
    });

    shellTest('completes the words of settings, behind "=" and behind a blank', async (it) => {
      const flags = FLAGS.filter((flag) => wordsOf(flag) !== undefined);
      assert.ok(flags.length >= 4);
      for (const flag of flags) {
        const words = wordsOf(flag) ?? [];
        for (const word of words.filter(
          (one) => !words.some((other) => other !== one && other.startsWith(one.slice(0, -1))),
        )) {
          for (const between of ['=', ' ']) {
            const line = `xtrace-catch --${flag.name}${between}${word}`;
            assert.equal((await it.type(`${line.slice(0, -1)}\t`)).trimEnd(), line);
          }
        }
      }
      assert.equal((await it.type('xtrace-catch -f roce_v\t')).trimEnd(), 'xtrace-catch -f roce_v');
      assert.equal((await it.type('xtrace-catch --help=a\t')).trimEnd(), 'xtrace-catch --help=all');
    });

    shellTest('completes files and folders, and leaves what it does not know alone', async (it) => {
      writeFileSync(path.join(it.home, 'new file.yaml'), '');
      for (const between of ['=', ' ']) {
        const words = await it.run(`xtrace-catch --config.file${between}new\t`);
        assert.equal(words.join(' '), `--config.file${between}new file.yaml`);
      }
      const folder = await it.type('xtrace-catch --kernel.pin-path=/us\t');
      assert.equal(folder, 'xtrace-catch --kernel.pin-path=/usr/');
      assert.equal(
        await it.type('xtrace-catch --flows.max-series=ne\t'),
        'xtrace-catch --flows.max-series=ne',
      );
    });

    shellTest(
      'completes interfaces, behind commas and exclusions, and nothing else of that folder',
      async (it) => {
        assert.deepEqual(await it.run('xtrace-catch -i zl\t'), ['-i', 'zlink']);
        assert.deepEqual(await it.run('xtrace-catch --interface=au\t'), ['--interface=auto']);
        assert.deepEqual(await it.run('xtrace-catch -i eth0,zl\t'), ['-i', 'eth0,zlink']);
        assert.deepEqual(await it.run('xtrace-catch -i auto,\\!zl\t'), ['-i', 'auto,!zlink']);
        assert.deepEqual(await it.run("xtrace-catch -i 'auto,!zl\t"), ['-i', 'auto,!zlink']);
        assert.equal(await it.type('xtrace-catch -i et\t'), 'xtrace-catch -i eth');
        assert.equal(await it.type('xtrace-catch -i bond\t'), 'xtrace-catch -i bond');
      },
    );

    if (shell === 'zsh') {
      shellTest('is offered all flags, commands and words, and no more', async (it) => {
        const long = (flags: readonly Flag[]): string[] => flags.map(({ name }) => `--${name}`).sort();
        const shared = FLAGS.filter(({ commands }) => commands === undefined);
        assert.deepEqual((await it.choices('xtrace-catch ')).sort(), [...COMMAND_NAMES].sort());
        for (const command of COMMAND_NAMES) {
          const own = FLAGS.filter(({ commands }) => commands?.includes(command));
          const offered = await it.choices(`xtrace-catch ${command} --`);
          assert.deepEqual(offered.sort(), long([...shared, ...own]));
        }
        for (const flag of FLAGS.filter((one) => wordsOf(one) !== undefined))
          assert.deepEqual(await it.choices(`xtrace-catch --${flag.name}=`), wordsOf(flag));
      });
    }

    for (const name of HOSTILE) {
      shellTest(`an interface ${name} is one word`, async (it) => {
        const begin = name.startsWith('~') ? '\\~' : name.slice(0, 1);
        assert.deepEqual(await it.run(`xtrace-catch -i ${begin}\t`), ['-i', name]);
        assert.deepEqual(await it.run(`xtrace-catch -i eth0,${begin}\t`), ['-i', `eth0,${name}`]);
        assert.deepEqual(
          readdirSync(it.home).filter((file) => !file.startsWith('new file')),
          [],
        );
      });
    }
  });
}

/** What _xtrace_catch answers where no terminal is, by the words of COMP_WORDS. */
function repliesOf(words: readonly string[]): string[] {
  const script = `. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _xtrace_catch; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = spawnSync(
    'bash',
    ['--norc', '-c', script, path.join(COMPLETIONS, FILES.bash), ...words],
    { encoding: 'utf8' },
  );
  return stdout.split('\n').filter((line) => line !== '');
}

gatedTest(
  { what: 'bash', missing: missing('bash') },
  'bash is offered all flags, commands and words, and no more',
  () => {
    const offered = (flags: readonly Flag[]): string[] =>
      flags.map(({ name, argument }) => `--${name}${argument === undefined ? '' : '='}`);
    const shared = FLAGS.filter(({ commands }) => commands === undefined);
    assert.deepEqual(repliesOf(['xtrace-catch', '']), [...offered(shared), ...COMMAND_NAMES]);
    for (const command of COMMAND_NAMES) {
      const own = FLAGS.filter(({ commands }) => commands?.includes(command));
      assert.deepEqual(repliesOf(['xtrace-catch', command, '']), [...offered(shared), ...offered(own)]);
    }
    for (const flag of FLAGS.filter((one) => wordsOf(one) !== undefined)) {
      const words = wordsOf(flag);
      assert.deepEqual(repliesOf(['xtrace-catch', `--${flag.name}`, '=']), words);
      assert.deepEqual(repliesOf(['xtrace-catch', `--${flag.name}`, '=', '']), words);
      assert.deepEqual(repliesOf(['xtrace-catch', `--${flag.name}`, '']), words);
      // Where COMP_WORDBREAKS has no "=".
      assert.deepEqual(
        repliesOf(['xtrace-catch', `--${flag.name}=`]),
        words?.map((word) => `--${flag.name}=${word}`),
      );
    }
  },
);

test('completion: every flag with a value of a few words has them', () => {
  assert.deepEqual(
    FLAGS.filter((flag) => wordsOf(flag) !== undefined).map(({ name }) => name),
    ['filter', 'attach-mode', 'log.level', 'log.format'],
  );
});
