// SPDX-License-Identifier: Apache-2.0
// `xtrace-catch top` on a terminal, as a person drives it; the exporter is a server that answers like one.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { waitFor } from '../support/conditions.js';
import { PROGRAM } from '../support/exporter/exporter.js';
import { start } from '../support/processes.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { type FakeExporter, startFakeExporter } from '../support/top/fake-exporter.js';
import { Tmux, type TmuxOptions, tmuxTest } from '../support/top/tmux.js';

function openTmux(t: TestContext, options: TmuxOptions): Tmux {
  const terminal = new Tmux({ ...options, env: { NODE: process.execPath, ...options.env } });
  t.after(terminal.close);
  return terminal;
}

const command = ({ url }: Pick<FakeExporter, 'url'>, before = ''): string =>
  `${before} ${PROGRAM} top --url=${url}`;

tmuxTest('80x24: rows, sorting, a filter, pairs, details, help; and the terminal is as it was', async (t) => {
  const fake = await startFakeExporter(t);
  const terminal = openTmux(t, { name: 'keys' });
  const before = await terminal.modes('before');
  terminal.enter(command(fake));
  const first = await terminal.see(/10\.0\.0\.2:40002 +10\.1\.0\.1:443 TCP/);
  assert.match(first, /^OK: eth0 is watched$/m);
  assert.match(first, /↓10s/);
  assert.equal(
    first.split('\n').findIndex((line) => line.startsWith('h help')),
    23,
  );
  assert.match(first, /every 1 s\n/); // to the last column
  terminal.press('s');
  await terminal.see(/↓40s/);
  terminal.press('r');
  await terminal.see(/↑40s.*\n 10\.0\.0\.0:40000/);
  terminal.press('Left', '/', '4', '0', '0', '0', '1');
  await terminal.see(/^\/40001_$/m);
  terminal.press('Enter');
  await terminal.see(/1 of 3 flows/);
  terminal.press('Escape');
  await terminal.see(/3 of 3 flows/);
  terminal.press('Down', 'Down', 'Enter');
  await terminal.see(/Flow 10\.0\.0\.1:40001 > 10\.1\.0\.1:443[\s\S]*last 3 s, at most 2\.00Mb:\n +▄ █/);
  terminal.press('q', 't');
  await terminal.see(/!10\.0\.0\.1 +10\.0\.0\.2 .*3\.1% +412/);
  terminal.press('Down', 'Enter');
  await terminal.see('10.0.0.1 asks 10.0.0.2 to slow down: 412 CNP/s');
  terminal.press('Escape', 'h');
  await terminal.see(/Keys[\s\S]*Ctrl-Z/);
  terminal.press('Escape', 'p');
  const paused = /PAUSED (\S+)/.exec(await terminal.see('PAUSED'))?.[1];
  const asked = fake.asked.length;
  await waitFor('more questions', () => fake.asked.length > asked + 2);
  assert.equal(/PAUSED (\S+)/.exec(terminal.screen)?.[1], paused);
  terminal.press('p', 'i');
  await terminal.see(/i eth0/);
  await waitFor('its rows alone', () => fake.asked.some((question) => question.includes('interface=eth0')));
  terminal.press('q');
  await terminal.seePrompt();
  assert.deepEqual(await terminal.modes('after'), before);
  assert.match(terminal.screen, /before .*[\s\S]*top --url[\s\S]*after/);
  assert.doesNotMatch(terminal.screen, /h help/);
});

tmuxTest('the size of the terminal is the size of the screen', async (t) => {
  const fake = await startFakeExporter(t, { flowCount: 100 });
  const terminal = openTmux(t, { name: 'size' });
  terminal.enter(command(fake));
  await terminal.see(/h help/);
  for (const [columns, lines] of [
    [120, 40],
    [40, 10],
    [20, 4],
    [200, 60],
  ] as const) {
    terminal.resize(columns, lines);
    await waitFor(`${columns}x${lines}`, () => {
      const shown = terminal.screen.split('\n').slice(0, lines);
      const last = shown[lines - 1] ?? '';
      return (
        last.startsWith('h help') &&
        (shown[0] ?? '').startsWith('xtrace-catch') &&
        shown.every((line) => [...line].length <= columns)
      );
    });
  }
});

tmuxTest('without colours there are none, with them there are; in ASCII there are no blocks', async (t) => {
  const fake = await startFakeExporter(t);
  const terminal = openTmux(t, { name: 'colours', env: { TERM: 'xterm-256color' } });
  const colour = new RegExp(`${'\x1b'}\\[[0-9;]*3[0-7]`);
  terminal.enter(command(fake));
  await terminal.see('h help');
  assert.match(terminal.paintedScreen, colour);
  terminal.press('q');
  await terminal.seePrompt();
  terminal.enter(command(fake, 'NO_COLOR=1 LC_ALL=C'));
  const plain = await terminal.see(/v10s[\s\S]*###/);
  assert.doesNotMatch(plain, /[^\p{ASCII}]/u);
  assert.doesNotMatch(terminal.paintedScreen, colour);
  terminal.press('q');
});

tmuxTest('the exporter is killed, and started again, while it shows', async (t) => {
  const first = await startFakeExporter(t);
  const terminal = openTmux(t, { name: 'gone' });
  terminal.enter(command(first));
  await terminal.see('OK: eth0 is watched');
  await first.close();
  const gone = await terminal.see(/^gone since \d\d:\d\d:\d\d, trying again: nothing listens at http/m);
  assert.match(gone, /10\.0\.0\.2:40002/); // what it said last stays
  const again = await startFakeExporter(t, { listen: Number(new URL(first.url).port), flowCount: 5 });
  await terminal.see(/OK: eth0 is watched[\s\S]*10\.0\.0\.4:40004/);
  assert.ok(again.asked.length > 0);
  terminal.press('C-c');
  await terminal.seePrompt();
});

tmuxTest('hostile names show as text', async (t) => {
  const hostile = '\x1b]0;owned\x07\x1b[2J<b>"</script>\u202e';
  const fake = await startFakeExporter(t, { interfaceName: '<b>\x1b[31mx', collectAgg: hostile });
  const terminal = openTmux(t, { name: 'hostile', columns: 140 });
  const title = terminal.ask('#{pane_title}');
  terminal.enter(command(fake));
  const screen = await terminal.see('\\x1b]0;owned\\x07\\x1b[2J<b>"</script>\\u202e');
  assert.match(screen, /^<b>\\x1b\[31mx +native/m);
  assert.equal(terminal.ask('#{pane_title}'), title);
  terminal.press('q');
});

tmuxTest('Ctrl-Z gives the terminal back, fg goes on, and signals end it without a trace', async (t) => {
  const fake = await startFakeExporter(t);
  const folder = temporaryFolder('xtrace-top-');
  const pidFile = path.join(folder, 'pid');
  const terminal = openTmux(t, { name: 'signals' });
  const before = await terminal.modes('before');
  // The program takes the shell's place.
  const start = `sh -c 'echo $$ >${pidFile}; exec ${PROGRAM} top --url=${fake.url}'`;
  terminal.enter(start);
  await terminal.see('h help');
  terminal.press('C-z');
  await terminal.see(/Stopped/);
  assert.deepEqual(await terminal.modes('stopped'), before);
  terminal.enter('fg');
  await terminal.see(/h help[\s\S]*q end/);
  terminal.press('s');
  await terminal.see(/↓40s/);
  const pid = (): number => Number(readFileSync(pidFile, 'utf8'));
  process.kill(pid(), 'SIGTSTP');
  await terminal.see(/Stopped/);
  terminal.enter('clear; fg');
  await terminal.see(/h help/);
  process.kill(pid(), 'SIGUSR2');
  process.kill(pid(), 'SIGUSR1');
  process.kill(pid(), 'SIGTERM');
  await terminal.seePrompt();
  assert.deepEqual(await terminal.modes('ended'), before);
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT'] as const) {
    terminal.enter(`clear; ${start}`);
    await terminal.see('h help');
    process.kill(pid(), signal);
    await terminal.seePrompt();
    assert.deepEqual(await terminal.modes(signal), before);
  }
});

tmuxTest('the terminal goes away: so does the program', async (t) => {
  const fake = await startFakeExporter(t);
  const terminal = openTmux(t, { name: 'away' });
  terminal.enter(command(fake));
  await terminal.see('h help');
  const pids = terminal.ask('#{pane_pid}');
  terminal.close();
  await waitFor('the shell and all its children to end', () => {
    const { status } = spawnSync('ps', ['-o', 'pid=', '--ppid', pids, '--pid', pids]);
    return status !== 0;
  });
  const asked = fake.asked.length;
  await waitFor('nobody to ask', async () => {
    const last = fake.asked.length;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    return fake.asked.length === last;
  });
  assert.ok(asked > 0);
});

tmuxTest('where it cannot draw or be typed at, and where no exporter is, one sentence says so', async (t) => {
  const fake = await startFakeExporter(t);
  const terminal = openTmux(t, { name: 'refuses', columns: 200 });
  const cases: [string, RegExp][] = [
    [`${command(fake)} | cat`, /^xtrace-catch: stdout is no terminal: take --once, or --json$/m],
    [
      `${command(fake)} </dev/null`,
      /^xtrace-catch: stdin is no terminal, so no key can be read: take --once, or --json$/m,
    ],
    [
      command(fake, 'TERM=dumb'),
      /^xtrace-catch: TERM is "dumb", so the cursor cannot be moved: set it, or take --once/m,
    ],
    [
      `${PROGRAM} top --url=127.0.0.1:1; echo "code $?"`,
      /^xtrace-catch: nothing listens at http:\/\/127\.0\.0\.1:1; start an exporter there .*\ncode 1$/m,
    ],
  ];
  for (const [typed, wanted] of cases) {
    terminal.enter(`clear; ${typed}`);
    await terminal.see(wanted);
  }
});

tmuxTest('one snapshot, as text and as JSON, without a terminal', async (t) => {
  const fake = await startFakeExporter(t);
  const run = async (...args: readonly string[]) => {
    const child = start(PROGRAM, ['top', `--url=${fake.url}`, ...args], {
      env: { NODE: process.execPath, LC_ALL: 'C' },
    });
    const { code } = await child.exited;
    assert.deepEqual([code, child.stderr], [0, '']);
    return child.stdout;
  };
  const text = await run('--once');
  assert.match(text, /^OK: eth0 is watched$/m);
  assert.match(text, /^ 10\.0\.0\.2:40002 10\.1\.0\.1:443 TCP /m);
  assert.match(text, /^!10\.0\.0\.1 10\.0\.0\.2 /m);
  const { overview, flows, pairs } = JSON.parse(await run('--json'));
  assert.deepEqual([overview.refresh, flows.flows.length, pairs.pairs.length], [flows.refresh, 3, 1]);
});
