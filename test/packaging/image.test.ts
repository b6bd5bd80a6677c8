// SPDX-License-Identifier: Apache-2.0
// The container image, built from the Dockerfile and run with the capabilities that README names.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { Container, type ContainerOptions } from '../support/exporter/container.js';
import { Exporter } from '../support/exporter/exporter.js';
import { type BuiltImage, buildImage } from '../support/exporter/image-builder.js';
import { imageTest } from '../support/exporter/image-gate.js';
import { createSite, type Site } from '../support/exporter/site.js';
import { ETHERTYPE, ethernet, ipv4, payloadOf, udp } from '../support/frames/frames.js';

const FRAME = ethernet(
  ETHERTYPE.ipv4,
  ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, udp(1, 2, payloadOf(50))),
);
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
  image = await buildImage({ REVISION: 'abc123', BUILD_DATE: '2026-01-02T03:04:05Z' });
  t.diagnostic(`built in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  t.diagnostic(`size ${image.size}, of which ${image.baseSize} are the test's base`);
  const has = (file: string) => existsSync(path.join(built().rootfs, file));
  assert.ok(has('opt/xtrace-catch/node_modules/express'));
  for (const file of ['usr/bin/g++', 'usr/bin/clang', 'opt/xtrace-catch/node_modules/typescript'])
    assert.ok(!has(file), `${file} is of no use in it`);
});

/** Waits until it serves on the port. */
async function serve(t: TestContext, options: Omit<ContainerOptions, 'image'>, port = 10060) {
  const container = new Container({ image: built(), ...options });
  t.after(() => container.stop());
  await container.child.waitFor('the container to serve', () =>
    /metrics are at/.test(container.child.stderr),
  );
  return { container, exporter: new Exporter(container.child, `http://127.0.0.1:${port}/metrics`) };
}

async function countFrames(site: Site, exporter: Exporter): Promise<void> {
  const sent = await site.send('va', [FRAME], 500);
  const seen = await exporter.scrapeUntil(
    'the frames',
    (now) => now.sum('xtrace_network_packets_total') === sent.packets,
  );
  assert.equal(seen.sum('xtrace_network_bytes_total'), sent.bytes);
  assert.deepEqual(
    seen.select('xtrace_build_info').map(({ labels }) => labels.get('revision')),
    ['abc123'],
  );
}

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
  await countFrames(site, exporter);
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
  await countFrames(site, elsewhere.exporter);
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
