// SPDX-License-Identifier: Apache-2.0
// The container image, built from the Dockerfile and run with the capabilities that README names.

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { onlyContainerOf, podSpecOf, renderKustomization } from '../support/deploy/manifests.js';
import { createPodPlace } from '../support/deploy/pod.js';
import { Container, type ContainerOptions } from '../support/exporter/container.js';
import { type BuiltImage, buildImage } from '../support/exporter/image-builder.js';
import { imageTest, podTest } from '../support/exporter/image-gate.js';
import { assertFramesCounted, serveContainer, UDP_FRAME } from '../support/exporter/served-container.js';
import { createSite } from '../support/exporter/site.js';

const REVISION = 'abc123';
const HEALTHY = 0;
const UNHEALTHY = 1;
/** timeout's own: docker takes it for unhealthy, too. */
const NO_ANSWER = 124;

/** What the README asks for. */
const NEEDED = ['CAP_BPF', 'CAP_NET_ADMIN', 'CAP_PERFMON'];
/** In /proc/PID/status; include/uapi/linux/capability.h has the bits 39, 12 and 38. */
const NEEDED_MASK = '000000c000001000';
/** What docker gives to every container besides. */
const DOCKER_DEFAULT =
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'
    .split(' ')
    .map((name) => `CAP_${name}`);

let image: BuiltImage | undefined;
const built = (): BuiltImage => image ?? assert.fail('it was not built');

imageTest('the Dockerfile builds, from an empty node_modules', async (t) => {
  const began = performance.now();
  image = await buildImage({ REVISION, BUILD_DATE: '2026-01-02T03:04:05Z' });
  t.diagnostic(`built in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  t.diagnostic(`size ${image.size}, of which ${image.baseSize} are the test's base`);
  const has = (file: string) => existsSync(path.join(built().rootfs, file));
  assert.ok(has('opt/xtrace-catch/node_modules/express'));
  for (const file of ['usr/bin/g++', 'usr/bin/clang', 'opt/xtrace-catch/node_modules/typescript'])
    assert.ok(!has(file), `${file} is of no use in it`);
});

const serve = (t: TestContext, options: Omit<ContainerOptions, 'image'>, port?: number) =>
  serveContainer(t, { image: built(), ...options }, port);

imageTest('with these three capabilities alone it attaches, counts and stops', async (t) => {
  const site = createSite(t, 'im');
  site.addVeth('va');
  const { container, exporter } = await serve(t, {
    namespace: site.host,
    args: ['-i', 'va', '-t', '200'],
    capabilities: NEEDED,
  });
  const { stdout } = await container.exec(['grep', '^Cap', '/proc/1/status']);
  const sets = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(/\s+/));
  const none = '0'.repeat(16);
  assert.deepEqual(Object.fromEntries(sets), {
    'CapInh:': none,
    'CapPrm:': NEEDED_MASK,
    'CapEff:': NEEDED_MASK,
    'CapBnd:': NEEDED_MASK,
    'CapAmb:': none,
  });
  await assertFramesCounted(site, exporter, REVISION);
  assert.doesNotMatch(container.child.stderr, /level=(warn|error)|Warning/);

  assert.equal(await container.checkHealth(), HEALTHY);
  container.kill('SIGSTOP');
  assert.equal(await container.checkHealth(), NO_ANSWER, 'a program that hangs');
  container.kill('SIGCONT');
  assert.equal(await container.checkHealth(), HEALTHY, 'it goes on');
  assert.deepEqual(await container.stop(), { code: 0, signal: null });
});

imageTest("with these and docker's own, the health check goes where HEALTH_URL says", async (t) => {
  const site = createSite(t, 'id');
  site.addVeth('va');
  const options = {
    namespace: site.host,
    args: ['-i', 'va', '-t', '200', '--web.listen-address=:10061'],
    capabilities: [...DOCKER_DEFAULT, ...NEEDED],
  };
  const elsewhere = await serve(t, options, 10061);
  await assertFramesCounted(site, elsewhere.exporter, REVISION);
  assert.equal(await elsewhere.container.checkHealth(), UNHEALTHY, 'nobody is at its default');
  await elsewhere.container.stop();

  const { container } = await serve(t, { ...options, env: ['HEALTH_URL=http://127.0.0.1:10061/-/healthy'] });
  assert.equal(await container.checkHealth(), HEALTHY);
});

imageTest(
  'where a seccomp profile forbids bpf(), as that of docker before 23 does, it says so',
  async (t) => {
    const site = createSite(t, 'is');
    site.addVeth('va');
    const container = new Container({
      image: built(),
      namespace: site.host,
      args: ['-i', 'va'],
      capabilities: NEEDED,
      forbidden: ['bpf'],
    });
    t.after(() => container.stop());
    assert.deepEqual(await container.child.exited, { code: 1, signal: null });
    assert.match(container.child.stderr, /this process has them.*--security-opt seccomp=unconfined/);
  },
);

podTest('the pod of deploy/kubernetes answers its probes, counts, and outlives a rollout', async (t) => {
  const site = createSite(t, 'ik');
  site.addVeth('va');
  const manifests = await renderKustomization('.');
  const place = createPodPlace(t, manifests);
  const { startupProbe, livenessProbe, readinessProbe } = onlyContainerOf(podSpecOf(manifests));
  const options = {
    ...place.options,
    namespace: site.host,
    // auto would be no interface of the test's.
    args: [...place.options.args, '-i', 'va', '-t', '200'],
  };
  const first = await serve(t, options);
  // What serves its pages takes connections.
  for (const { tcpSocket } of [startupProbe, livenessProbe]) assert.deepEqual(tcpSocket, { port: 'metrics' });
  assert.equal((await first.exporter.page(readinessProbe.httpGet?.path ?? '')).status, 200);
  await assertFramesCounted(site, first.exporter, REVISION);
  for (const folder of ['/', '/tmp', '/etc/xtrace-catch', '/opt/xtrace-catch']) {
    const { code } = await first.container.exec(['touch', path.join(folder, 'written')]);
    assert.notEqual(code, 0, `${folder} takes writing`);
  }
  const { now, most } = first.container.memory();
  t.diagnostic(`memory ${now >> 20} MiB, at most ${most >> 20} MiB`);
  assert.deepEqual(await first.container.stop(), { code: 0, signal: null });

  const between = await site.send('va', [UDP_FRAME], 300);
  const second = await serve(t, options);
  const seen = await second.exporter.scrapeUntil(
    'what came between the two',
    (page) => page.sum('xtrace_interface_packets_total') >= 500 + between.packets,
  );
  assert.equal(seen.sum('xtrace_interface_packets_total'), 500 + between.packets);
  assert.doesNotMatch(second.container.child.stderr, /level=(warn|error)|Warning/);
  assert.deepEqual(await second.container.stop(), { code: 0, signal: null });

  const unpin = new Container({
    ...options,
    image: built(),
    args: ['unpin', ...onlyContainerOf(podSpecOf(manifests)).args.slice(0, 1)],
  });
  t.after(() => unpin.stop());
  assert.deepEqual(await unpin.child.exited, { code: 0, signal: null }, unpin.child.stderr);
  assert.deepEqual(readdirSync(place.hostFolder('pins')), []);
});
