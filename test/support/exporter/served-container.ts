// SPDX-License-Identifier: Apache-2.0
// A container that serves, and the frames that tests send it. For tests only.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { ETHERTYPE, ethernet, ipv4, payloadOf, udp } from '../frames/frames.js';
import { Container, type ContainerOptions } from './container.js';
import { Exporter } from './exporter.js';
import type { Site } from './site.js';

export const UDP_FRAME = ethernet(
  ETHERTYPE.ipv4,
  ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, udp(1, 2, payloadOf(50))),
);

export interface ServedContainer {
  readonly container: Container;
  readonly exporter: Exporter;
}

/** Resolves when it serves on the port. */
export async function serveContainer(
  t: TestContext,
  options: ContainerOptions,
  port = 10060,
): Promise<ServedContainer> {
  const container = new Container(options);
  t.after(() => container.stop());
  await container.child.waitFor('the container to serve', () =>
    /metrics are at/.test(container.child.stderr),
  );
  return { container, exporter: new Exporter(container.child, `http://127.0.0.1:${port}/metrics`) };
}

/** Sends frames to va; each must be counted, by the build of this revision. */
export async function assertFramesCounted(site: Site, exporter: Exporter, revision: string): Promise<void> {
  const sent = await site.send('va', [UDP_FRAME], 500);
  const seen = await exporter.scrapeUntil(
    'the frames',
    (now) => now.sum('xtrace_network_packets_total') === sent.packets,
  );
  assert.equal(seen.sum('xtrace_network_bytes_total'), sent.bytes);
  assert.deepEqual(
    seen.select('xtrace_build_info').map(({ labels }) => labels.get('revision')),
    [revision],
  );
}
