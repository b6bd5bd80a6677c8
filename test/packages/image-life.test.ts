// SPDX-License-Identifier: Apache-2.0
// The life of the image, from its build to its removal: run as README says, but with a root file system that takes no
// writing; replaced by the next image under traffic, with pins and state on volumes; unpinned; removed.

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import { waitFor } from '../support/conditions.js';
import { Container, type ContainerOptions } from '../support/exporter/container.js';
import type { Exporter } from '../support/exporter/exporter.js';
import {
  type BuiltImage,
  buildImage,
  buildNextImage,
  imageNames,
  removeImage,
} from '../support/exporter/image-builder.js';
import { imageTest } from '../support/exporter/image-gate.js';
import {
  assertFramesCounted,
  type ServedContainer,
  serveContainer,
  UDP_FRAME,
} from '../support/exporter/served-container.js';
import { createSite } from '../support/exporter/site.js';
import { udpFlows } from '../support/frames/traffic-mix.js';
import { heldBpfObjects, livingBpfObjects } from '../support/kernel/bpf-objects.js';
import { mountBpffs } from '../support/kernel/bpffs.js';
import { startSending, whatWasSent } from '../support/kernel/sender.js';
import { assertBalance } from '../support/oracle/balance.js';
import { CounterWatch, scrapeCounters } from '../support/state/counter-watch.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const PACKETS_PER_SECOND = 20_000;
const SECONDS = 30;
const FLOWS = 50;
const NO_OBJECTS = { prog: [], map: [], link: [] };
const CLEAN_EXIT = { code: 0, signal: null };

let images: { readonly first: BuiltImage; readonly next: BuiltImage } | undefined;
const built = () => images ?? assert.fail('they were not built');

/** What `docker run` of README says, and `--read-only --security-opt no-new-privileges`. */
const HARDENED = {
  capabilities: ['CAP_BPF', 'CAP_NET_ADMIN', 'CAP_PERFMON'],
  readOnly: true,
  noNewPrivileges: true,
} as const;

imageTest('it is built, and the next one from it', async () => {
  const first = await buildImage({ REVISION: 'first' });
  images = { first, next: await buildNextImage(first, 'next') };
});

imageTest('run and stopped: healthy, counts, and leaves nothing in the kernel', async (t) => {
  const site = createSite(t, 'lf');
  site.addVeth('va');
  const { container, exporter } = await serveContainer(t, {
    ...HARDENED,
    image: built().first,
    namespace: site.host,
    args: ['-i', 'va', '-t', '200'],
  });
  assert.equal(await container.checkHealth(), 0);
  await assertFramesCounted(site, exporter, 'first');
  const held = heldBpfObjects(container.pid);
  assert.ok(held.link.length === 1 && held.map.length > 20);
  assert.deepEqual(await container.stop(), CLEAN_EXIT);
  await assertGone(held);
});

imageTest(`an upgrade under ${PACKETS_PER_SECOND} packets a second misses none`, async (t) => {
  const site = createSite(t, 'lu');
  site.addVeth('va');
  const options = { ...HARDENED, ...createVolumes(t), namespace: site.host };
  const start = async (image: BuiltImage): Promise<ServedContainer> => {
    const served = await serveContainer(t, { ...options, image });
    assert.equal(await served.container.checkHealth(), 0);
    return served;
  };
  const first = await start(built().first);
  const frames = udpFlows(7, FLOWS);
  const sending = startSending({
    prefix: site.peer.enter,
    interface: 'vap',
    frames,
    repeat: Math.ceil((PACKETS_PER_SECOND * SECONDS) / frames.length),
    packetsPerSecond: PACKETS_PER_SECOND,
  });
  t.after(() => sending.dispose());
  t.after(() => sending.child.stop('SIGKILL'));
  const watch = new CounterWatch();
  await lookFor(2000, first.exporter, watch);
  assert.deepEqual(await first.container.stop(), CLEAN_EXIT);

  const next = await start(built().next);
  assert.equal(sending.child.exit, undefined, 'the traffic goes on');
  await lookFor(2000, next.exporter, watch);
  assert.ok(watch.wentOn > FLOWS, 'counters go on in the next container');
  const { packets, bytes } = await whatWasSent(sending.child);
  const last = await next.exporter.scrapeUntil(
    'every packet to be counted',
    (page) => page.sum('xtrace_interface_packets_total') >= packets,
  );
  watch.note(await scrapeCounters(next.exporter));
  assertBalance(last);
  assert.equal(last.sum('xtrace_interface_packets_total'), packets);
  assert.equal(last.sum('xtrace_interface_bytes_total'), bytes);
  assert.equal(last.select('xtrace_build_info')[0]?.labels.get('revision'), 'next');
  assert.doesNotMatch(next.container.child.stderr, /level=(warn|error)|Warning/);

  const held = heldBpfObjects(next.container.pid);
  assert.deepEqual(await next.container.stop(), CLEAN_EXIT);
  assert.equal(livingBpfObjects(held).link.length, 1, 'what is pinned counts on');
  const missed = await site.send('va', [UDP_FRAME], 300);
  const unpin = new Container({
    ...options,
    image: built().next,
    args: ['unpin', ...options.args.slice(0, 1)],
  });
  t.after(() => unpin.stop());
  assert.deepEqual(await unpin.child.exited, CLEAN_EXIT, unpin.child.stderr);
  assert.match(
    unpin.child.stdout,
    new RegExp(`^detached from va .*\nremoved .*\nlost: ${missed.packets} packets`),
  );
  await assertGone(held);
  assert.ok(!readdirSync(options.bpffs).includes('pins'));
});

imageTest('removed, both are gone', async () => {
  const { first, next } = built();
  const before = await imageNames();
  assert.ok(before.includes(first.name) && before.includes(next.name));
  removeImage(next);
  removeImage(first);
  const after = await imageNames();
  assert.ok(!after.includes(first.name) && !after.includes(next.name));
});

/** Pins and state on volumes, and the configuration that names them. */
function createVolumes(
  t: TestContext,
): Pick<ContainerOptions, 'mounts' | 'args'> & { readonly bpffs: string } {
  const folder = temporaryFolder('xtrace-image-life-');
  const [state, config, bpffs] = [path.join(folder, 'state'), path.join(folder, 'config'), mountBpffs(t)];
  for (const one of [state, config]) mkdirSync(one);
  const settings = {
    interfaces: ['va'],
    interval_ms: 200,
    kernel: { pin_path: '/run/xtrace-catch/bpf/pins' },
    state_path: '/run/xtrace-catch/state/counters',
    web: { openmetrics_created: true },
  };
  writeFileSync(path.join(config, 'xtrace-catch.yaml'), stringify(settings));
  return {
    args: ['--config.file=/etc/xtrace-catch/xtrace-catch.yaml'],
    mounts: [
      { source: bpffs, target: '/run/xtrace-catch/bpf' },
      { source: state, target: '/run/xtrace-catch/state' },
      { source: config, target: '/etc/xtrace-catch', readOnly: true },
    ],
    bpffs,
  };
}

async function lookFor(durationMs: number, exporter: Exporter, watch: CounterWatch): Promise<void> {
  const until = performance.now() + durationMs;
  while (performance.now() < until) {
    watch.note(await scrapeCounters(exporter));
    await delay(50);
  }
}

async function assertGone(held: ReturnType<typeof heldBpfObjects>): Promise<void> {
  await waitFor('programs, maps and links to go', () => {
    assert.deepEqual(livingBpfObjects(held), NO_OBJECTS);
    return true;
  });
}
