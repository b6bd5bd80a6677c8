// SPDX-License-Identifier: Apache-2.0
// The reader of the log, or of the flow lines, stops reading: counting, scraping and stopping go on, and
// what was written comes whole once it is read again. Pipes of 4 KiB, full from the start.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import { waitFor } from '../support/conditions.js';
import { Exporter, type ExporterOptions, runExporter, spawnExporter } from '../support/exporter/exporter.js';
import { nodeAfter } from '../support/exporter/node-with-flags.js';
import { createSite, type Site } from '../support/exporter/site.js';
import { openSmallPipe, type SmallPipe } from '../support/exporter/small-pipe.js';
import { ETHERTYPE, ethernet, ipv4, payloadOf, udp } from '../support/frames/frames.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import type { Exposition } from '../support/oracle/exposition-parser.js';
import type { Exit } from '../support/processes.js';

/** The promise of the program itself. */
const STOP_LIMIT_MS = 5000;
const SCRAPE_LIMIT_MS = 5000;
const INTERVAL_MS = 200;
/** In a namespace of its own: nobody can read the log, where it says which port it has. */
const ADDRESS = '127.0.0.1:10060';
const DROPPED = 'xtrace_log_lines_dropped_total';

function fullPipe(t: TestContext): SmallPipe {
  const pipe = openSmallPipe();
  t.after(() => pipe.close());
  pipe.fill();
  return pipe;
}

const into = (redirection: string): readonly string[] => ['sh', '-c', `exec "$0" "$@" ${redirection}`];

/** Starts it with an output that nobody reads; resolves when it answers. */
async function startBlocked(
  t: TestContext,
  site: Site,
  redirection: string,
  args: readonly string[],
  options: Partial<ExporterOptions> = {},
): Promise<Exporter> {
  const child = spawnExporter({
    namespace: site.host,
    args: [`--web.listen-address=${ADDRESS}`, '-t', String(INTERVAL_MS), ...args],
    through: into(redirection),
    ...options,
  });
  t.after(() => child.stop('SIGKILL'));
  const exporter = new Exporter(child, `http://${ADDRESS}/metrics`);
  await exporter.scrapeUntil('the first answer', () => true);
  return exporter;
}

async function scrapeWithin(exporter: Exporter, limitMs: number): Promise<Exposition> {
  const startMs = performance.now();
  const scrape = await exporter.scrape();
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs < limitMs, `a scrape took ${tookMs} ms`);
  return scrape;
}

/** Asks it to stop, and asserts that it does within its promise. */
async function assertStops(exporter: Exporter, signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
  const startMs = performance.now();
  exporter.child.kill(signal);
  const exit = await exporter.child.exited;
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs < STOP_LIMIT_MS, `the stop took ${tookMs} ms`);
  return exit;
}

/** Few: an attachment takes time of its own, and there must be time for refreshes. */
const PAIRS = ['fa', 'fb'] as const;
const GROUP = '7';
const FLAPS = 8;
/** 1,000 lines of 200 bytes by the way of Node's warnings: no interface flaps so fast. */
const CHATTER = `
process.on('SIGWINCH', () => {
  for (let i = 0; i < 1000; i++) process.emitWarning('x'.repeat(100), 'Chatter');
});`;

/** Pairs of interfaces that come (back), all at once. */
function addPairs(site: Site): void {
  batch(site, [
    ...PAIRS.map((name) => `link add ${name}a group ${GROUP} up type veth peer name ${name}b`),
    ...PAIRS.map((name) => `link set ${name}b up`),
  ]);
}

/** Each time two lines of the log for each interface: it was replaced, it is attached. */
function flap(site: Site): void {
  batch(site, [`link delete group ${GROUP}`]);
  addPairs(site);
}

function batch(site: Site, commands: readonly string[]): void {
  const [enter = '', ...rest] = site.host.enter;
  execFileSync(enter, [...rest, 'ip', '-batch', '-'], { input: commands.join('\n'), stdio: 'pipe' });
}

kernelTest(
  'a log that nobody reads stops nothing while interfaces flap, and is whole when read again',
  async (t) => {
    const site = createSite(t, 'l');
    site.addVeth('va');
    addPairs(site);
    const names = PAIRS.flatMap((name) => [`${name}a`, `${name}b`]);
    const pipe = fullPipe(t);
    const env = { NODE: nodeAfter(CHATTER) };
    const args = ['-i', ['va', ...names].join(',')];
    const exporter = await startBlocked(t, site, `2> ${pipe.path}`, args, { env });

    // Refreshes keep their beat, scrapes are answered.
    const startMs = performance.now();
    const before = await exporter.scrape();
    let last = before;
    for (let round = 1; round <= FLAPS; round++) {
      flap(site);
      last = await exporter.scrapeUntil(
        'all to be attached again',
        (now) => now.sum('xtrace_interface_reattachments_total') === round * names.length,
      );
      await scrapeWithin(exporter, SCRAPE_LIMIT_MS);
    }
    const beats = (performance.now() - startMs) / INTERVAL_MS;
    const refreshes = last.value('xtrace_refreshes_total') - before.value('xtrace_refreshes_total');
    assert.ok(refreshes > beats / 2, `${refreshes} refreshes in ${beats} intervals`);
    assert.equal(last.value('xtrace_refresh_failures_total'), 0);
    assert.equal(last.value(DROPPED), 0, 'there is room for so few lines');
    exporter.child.kill('SIGWINCH');
    await exporter.scrapeUntil('lines of the log to be dropped', (now) => now.value(DROPPED) > 0);

    // Somebody reads again, all the while.
    const dropped = (await exporter.scrape()).value(DROPPED);
    let text = '';
    const reading = setInterval(() => {
      text += pipe.read();
    }, 1);
    t.after(() => clearInterval(reading));
    await waitFor('the lines that waited', () => text.includes('log lines were dropped here'));
    const again = await exporter.scrape();
    assert.deepEqual(await assertStops(exporter), { code: 0, signal: null });
    clearInterval(reading);
    const lines = (text + pipe.read()).replace(/^[#\n]*/, '').split('\n');
    assert.equal(lines.pop(), '');
    for (const line of lines) assert.match(line, /^time=\S+Z level=(info|warn) msg=(\S|"[^"]*")[^"]*$/);
    const notices = lines.filter((line) => line.includes('log lines were dropped here'));
    assert.equal(notices.length, 1, notices.join('\n'));
    assert.equal(Number(/ lines=(\d+)$/.exec(notices[0] ?? '')?.[1]), again.value(DROPPED));
    assert.ok(again.value(DROPPED) >= dropped);
    assert.match(lines.at(-1) ?? '', /detached; every packet is counted/);
  },
);

kernelTest('SIGTERM ends it though nobody reads the log', async (t) => {
  const site = createSite(t, 't');
  site.addVeth('va');
  const pipe = fullPipe(t);
  const exporter = await startBlocked(t, site, `2> ${pipe.path}`, ['-i', 'va']);
  assert.deepEqual(await assertStops(exporter), { code: 0, signal: null });
  assert.match(pipe.read(), /^[#\n]*$/);
});

kernelTest('the last lines before an exit come out when somebody reads', async (t) => {
  const site = createSite(t, 'o');
  site.addVeth('va');
  const pipe = fullPipe(t);
  const exporter = await startBlocked(t, site, `2> ${pipe.path}`, ['-i', 'va']);
  exporter.child.kill('SIGTERM');
  let text = '';
  await waitFor(
    'the end',
    () => {
      text += pipe.read();
      return exporter.child.exit !== undefined;
    },
    { intervalMs: 1 },
  );
  text += pipe.read();
  assert.match(text, /\ntime=\S+ level=info msg="attached to va /);
  assert.match(
    text,
    /msg="SIGTERM: stopping"\n.*msg="detached; every packet is counted" packets=0 bytes=0\n$/,
  );
});

kernelTest('flow lines and the log in one pipe that nobody reads hold up nothing', async (t) => {
  const site = createSite(t, 'p');
  site.addVeth('va');
  const pipe = fullPipe(t);
  const exporter = await startBlocked(t, site, `> ${pipe.path} 2>&1`, ['-i', 'va', '--print']);
  const frames = Array.from({ length: 500 }, (_, i) =>
    ethernet(ETHERTYPE.ipv4, ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, udp(1000 + i, 2, payloadOf(10)))),
  );
  for (let round = 1; round <= 5; round++) {
    await site.send('va', frames);
    await exporter.scrapeUntil(
      'the frames',
      (now) => now.sum('xtrace_network_packets_total') === round * frames.length,
    );
  }
  assert.deepEqual(await assertStops(exporter), { code: 0, signal: null });
});

/** Faults that come of themselves have their own tests; here is what is said of them, and that it ends. */
const RAISE_AT_SIGWINCH = "process.on('SIGWINCH', () => { throw new Error('from outside'); });";
/** A server that never says that it has closed. */
const NEVER_CLOSES = `
for (const name of ['node:http', 'node:net']) require(name).Server.prototype.close = function () { return this; };`;

for (const isRead of [false, true]) {
  const reader = isRead ? 'somebody reads' : 'nobody reads';

  /** Waits for the end, reading or not; resolves with what was read. */
  async function textUntilExit(pipe: SmallPipe, exporter: Exporter): Promise<string> {
    let text = '';
    await waitFor(
      'the end',
      () => {
        if (isRead) text += pipe.read();
        return exporter.child.exit !== undefined;
      },
      { intervalMs: 1, limitMs: 2 * STOP_LIMIT_MS },
    );
    return isRead ? text + pipe.read() : '';
  }

  kernelTest(`a fault that nobody foresaw ends it while ${reader}`, async (t) => {
    const site = createSite(t, 'u');
    site.addVeth('va');
    const pipe = fullPipe(t);
    const env = { NODE: nodeAfter(RAISE_AT_SIGWINCH) };
    const exporter = await startBlocked(t, site, `2> ${pipe.path}`, ['-i', 'va'], { env });
    exporter.child.kill('SIGWINCH');
    const text = await textUntilExit(pipe, exporter);
    assert.deepEqual(exporter.child.exit, { code: 1, signal: null });
    if (isRead) assert.match(text, /\nxtrace-catch: unexpected: from outside; please report it [^\n]*\n$/);
  });

  kernelTest(`a stop that hangs is cut short while ${reader}`, async (t) => {
    const site = createSite(t, 'h');
    site.addVeth('va');
    const pipe = fullPipe(t);
    const env = { NODE: nodeAfter(NEVER_CLOSES) };
    const exporter = await startBlocked(t, site, `2> ${pipe.path}`, ['-i', 'va'], { env });
    exporter.child.kill('SIGTERM');
    const text = await textUntilExit(pipe, exporter);
    assert.deepEqual(exporter.child.exit, { code: 1, signal: null });
    if (isRead) assert.match(text, / level=error msg="the stop took longer than \d+ ms and is cut short"\n$/);
  });

  kernelTest(`a start that fails ends while ${reader}`, async (t) => {
    const site = createSite(t, 'f');
    for (const [args, code, sentence] of [
      [['--bad'], 2, /xtrace-catch: --bad: /],
      [['-i', 'lo', '--web.listen-address=192.0.2.1:1'], 1, /xtrace-catch: [^\n]*192\.0\.2\.1/],
    ] as const) {
      const pipe = fullPipe(t);
      let text = '';
      const reading = setInterval(() => {
        if (isRead) text += pipe.read();
      }, 1);
      t.after(() => clearInterval(reading));
      const run = await runExporter({ namespace: site.host, args, through: into(`2> ${pipe.path}`) });
      clearInterval(reading);
      assert.equal(run.code, code);
      if (isRead) assert.match(text + pipe.read(), sentence);
    }
  });
}
