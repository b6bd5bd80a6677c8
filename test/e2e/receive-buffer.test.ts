// SPDX-License-Identifier: Apache-2.0
// What the exporter says when the kernel will not bound what its clients leave unread.

import assert from 'node:assert/strict';
import { startExporter } from '../support/exporter/exporter.js';
import { nodeAfter } from '../support/exporter/node-with-flags.js';
import { createSite } from '../support/exporter/site.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';

/** No kernel refuses it on demand; a descriptor that is none is refused like any other. */
const HIDE_THE_DESCRIPTOR = `
const { Server } = require('node:net');
const { listen } = Server.prototype;
Server.prototype.listen = function (...args) {
  this.once('listening', () => Object.defineProperty(this._handle, 'fd', { value: 1048575 }));
  return listen.apply(this, args);
};`;

kernelTest(
  'where the receive buffer cannot be bounded, one line says so, and scrapes are served',
  async (t) => {
    const site = createSite(t, 'rb');
    site.addVeth('va');
    const exporter = await startExporter({
      namespace: site.host,
      args: ['-i', 'va'],
      env: { NODE: nodeAfter(HIDE_THE_DESCRIPTOR) },
    });
    t.after(() => exporter.stop());
    const [line] = await exporter.logged(
      /^.*a socket's receive buffer stays unlimited: a client that floods may delay others.*$/m,
    );
    assert.match(line, /level=warn/);
    assert.match(line, /the receive buffer of a socket cannot be limited \(EBADF\)/);
    assert.equal((await exporter.scrape()).value('xtrace_interface_attached', { interface: 'va' }), 1);
  },
);
