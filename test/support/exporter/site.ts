// SPDX-License-Identifier: Apache-2.0
// The usual place of an end-to-end test: a namespace for the exporter, which the test process joins,
// and one for the peers that send. For tests only.

import type { TestContext } from 'node:test';
import { createVeth, Namespace, type VethOptions } from '../kernel/namespace.js';
import { joinNetns } from '../kernel/own-netns.js';
import { type Sent, sendFrames } from '../kernel/sender.js';

export interface Site {
  /** Where the exporter runs. */
  readonly host: Namespace;
  /** Where frames come from. */
  readonly peer: Namespace;
  /** A veth pair: `device` at the host, `device`p at the peer. */
  addVeth(device: string, options?: VethOptions & { readonly address?: string }): void;
  /** Sends to a device of the host from its peer; resolves with what the kernel took. */
  send(device: string, frames: readonly Uint8Array[], repeat?: number): Promise<Sent>;
}

/** Both namespaces go at the end of the test. Suffix: unique within the test process. */
export function createSite(t: TestContext, suffix: string): Site {
  const host = new Namespace(`${suffix}h`);
  t.after(host.dispose);
  const peer = new Namespace(`${suffix}p`);
  t.after(peer.dispose);
  joinNetns(host.name);
  return {
    host,
    peer,
    addVeth(device, { address, ...options } = {}) {
      createVeth(
        { namespace: host, device, ...(address === undefined ? {} : { addresses: [address] }) },
        { namespace: peer, device: `${device}p` },
        options,
      );
    },
    send: (device, frames, repeat = 1) =>
      sendFrames({ prefix: peer.enter, interface: `${device}p`, frames, repeat }),
  };
}
