// SPDX-License-Identifier: Apache-2.0
// Signals that are no request to stop: at any time of a run they end nothing, and none of them opens
// Node's debugger. On every Node that there is.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../support/conditions.js';
import { type Exporter, PROGRAM, spawnExporter, startExporter } from '../support/exporter/exporter.js';
import { findNodeVersion } from '../support/exporter/node-version.js';
import { nodeWithFlags, slowNode, temporaryFolder } from '../support/exporter/node-with-flags.js';
import { createSite } from '../support/exporter/site.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { commandOf, dispositionOf, listeningPorts } from '../support/process-state.js';
import type { Child } from '../support/processes.js';

const IGNORED = ['SIGUSR1', 'SIGUSR2'] as const;
/** At SIGHUP a run reads its configuration again; before it is one, it is ignored, too. */
const HARMLESS = ['SIGHUP', ...IGNORED] as const;
/** Between two signals, as it may need a turn of the event loop to take one. */
const TURN_MS = 20;

function linesAbout(exporter: Exporter, signal: NodeJS.Signals): string[] {
  return exporter.child.stderr.split('\n').filter((line) => line.includes(`msg="${signal} is ignored`));
}

async function assertWellAndStops(exporter: Exporter): Promise<void> {
  assert.deepEqual(listeningPorts(exporter.child.pid), [exporter.port]);
  await exporter.scrape();
  assert.deepEqual(await exporter.stop(), { code: 0, signal: null }, exporter.child.stderr);
  assert.doesNotMatch(exporter.child.stderr, /[Dd]ebugger listening/);
}

/** Waits until cli.js has the signals. */
async function untilCaught(child: Child): Promise<void> {
  await child.waitFor('the signals to be caught', () => dispositionOf(child.pid, 'SIGUSR2') === 'caught', {
    intervalMs: 1,
  });
}

function nodes(): { readonly name: string; readonly path: string }[] {
  const others = (['22', '24'] as const).flatMap((major) => {
    const { path, missing } = findNodeVersion(major);
    return missing === undefined ? [{ name: `Node ${major}`, path }] : [];
  });
  return [{ name: `Node ${process.versions.node}`, path: process.execPath }, ...others];
}

for (const { name, path } of nodes()) {
  kernelTest(
    `a run goes on, each signal has one line of the log, and no debugger opens (${name})`,
    async (t) => {
      const site = createSite(t, 'r');
      site.addVeth('va');
      const env = { NODE: path };
      const exporter = await startExporter({ namespace: site.host, args: ['-i', 'va', '-t', '100'], env });
      t.after(() => exporter.stop('SIGKILL'));
      for (let round = 0; round < 5; round++) {
        for (const signal of HARMLESS) exporter.child.kill(signal);
        await delay(TURN_MS);
      }
      for (const signal of IGNORED) await exporter.logged(new RegExp(`msg="${signal} is ignored`));
      await exporter.logged(/msg="SIGHUP: the configuration is as before"/);
      const before = (await exporter.scrape()).value('xtrace_refreshes_total');
      await exporter.scrapeUntil('more refreshes', (now) => now.value('xtrace_refreshes_total') > before + 2);
      for (const signal of IGNORED) assert.equal(linesAbout(exporter, signal).length, 1, signal);
      await assertWellAndStops(exporter);
    },
  );

  kernelTest(`no debugger opens at a SIGUSR1 at any time of the start (${name})`, async (t) => {
    const site = createSite(t, 'u');
    site.addVeth('va');
    // As on hosts of keepalived: any address can be listened at.
    for (const ip of ['ipv4', 'ipv6']) site.host.exec('sysctl', '-qw', `net.${ip}.ip_nonlocal_bind=1`);
    for (const afterMs of [0, 10, 25, 45, 80, 150]) {
      const env = { NODE: path };
      const child = spawnExporter({ namespace: site.host, args: ['-i', 'va', '-t', '100'], env });
      t.after(() => child.stop('SIGKILL'));
      await waitFor('Node to be executed', () => commandOf(child.pid).at(0) === path, { intervalMs: 0 });
      await delay(afterMs);
      child.kill('SIGUSR1');
      const url = await child.waitFor(
        'the start',
        () => /metrics are at http:\/\/[^:]+:(\d+)/.exec(child.stderr) ?? undefined,
      );
      assert.deepEqual(listeningPorts(child.pid), [Number(url[1])], `${afterMs} ms after its start`);
      assert.deepEqual(await child.stop(), { code: 0, signal: null });
    }
  });
}

kernelTest('signals during the start are ignored, and logged once there is a log', async (t) => {
  const site = createSite(t, 's');
  site.addVeth('va');
  const child = spawnExporter({ namespace: site.host, args: ['-i', 'va'] });
  t.after(() => child.stop('SIGKILL'));
  await untilCaught(child);
  assert.equal(child.stderr, '', 'it has only begun');
  for (const signal of HARMLESS) child.kill(signal);
  await child.waitFor('the start', () => child.stderr.includes('metrics are at'));
  for (const signal of HARMLESS) assert.match(child.stderr, new RegExp(`msg="${signal} is ignored`));
  assert.deepEqual(await child.stop(), { code: 0, signal: null });
});

kernelTest('signals before Node is executed are ignored', async (t) => {
  const site = createSite(t, 'b');
  site.addVeth('va');
  const child = spawnExporter({ namespace: site.host, args: ['-i', 'va'], env: { NODE: slowNode() } });
  t.after(() => child.stop('SIGKILL'));
  await child.waitFor('the signals to be ignored', () => dispositionOf(child.pid, 'SIGHUP') === 'ignored');
  for (const signal of HARMLESS) child.kill(signal);
  await child.waitFor('the start', () => child.stderr.includes('metrics are at'));
  assert.deepEqual(await child.stop(), { code: 0, signal: null });
});

kernelTest('a command that ends by itself is ended by SIGHUP, but opens no debugger either', async (t) => {
  const site = createSite(t, 'd');
  const child = site.host.start(PROGRAM, ['doctor', '-i', 'lo', '--wait=60']);
  t.after(() => child.stop('SIGKILL'));
  await untilCaught(child);
  await child.waitFor('the command to begin', () => dispositionOf(child.pid, 'SIGHUP') === 'default');
  child.kill('SIGUSR1');
  await delay(TURN_MS);
  assert.deepEqual(listeningPorts(child.pid), []);
  child.kill('SIGHUP');
  assert.deepEqual(await child.exited, { code: null, signal: 'SIGHUP' });
});

kernelTest('it starts under a profiler, whose signals come every millisecond', async (t) => {
  const site = createSite(t, 'p');
  site.addVeth('va');
  const folder = temporaryFolder();
  const env = { NODE: nodeWithFlags('--cpu-prof', `--cpu-prof-dir=${folder}`) };
  const exporter = await startExporter({ namespace: site.host, args: ['-i', 'va', '-t', '100'], env });
  t.after(() => exporter.stop('SIGKILL'));
  await exporter.scrapeUntil('some refreshes', (now) => now.value('xtrace_refreshes_total') > 3);
  assert.deepEqual(await exporter.stop(), { code: 0, signal: null }, exporter.child.stderr);
  assert.equal(readdirSync(folder).filter((name) => name.endsWith('.cpuprofile')).length, 1);
});
