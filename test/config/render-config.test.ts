// SPDX-License-Identifier: Apache-2.0
// The configuration in effect, as /-/config shows it: whoever starts with it has the same, but for secrets.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { renderConfig } from '../../src/config/render-config.js';
import { readRepositoryFile, resolveRun } from '../support/config/fixture-text.js';

const sameAgain = (file: string): void => {
  const config = resolveRun({ file });
  const again = resolveRun({ file: renderConfig(config) });
  assert.deepEqual({ ...again, interfacesGiven: config.interfacesGiven }, config);
};

test('the defaults resolve to themselves', () => sameAgain('{}'));

for (const name of ['config/examples/gateway.yaml', 'config/xtrace-catch.yaml']) {
  test(`${name} resolves to itself`, () => sameAgain(readRepositoryFile(name)));
}

test('so does whatever the program has in another form than the file', () => {
  sameAgain(`
host_ip: interface:eth1
networks: {10.1.0.0/16: rail-1, "2001:db8::/32": rail-2}
flows:
  include: ["net 10.0.0.0/8 port 443", "src 2001:db8::1 dst_port 9 protocol tcp interface eth*"]
  exclude: [src_port 53]
  ephemeral_ports: 32768-60999
  service_ports: [1, 2]
web: {listen_address: [":1", "[::1]:2", "unix:/run/x.sock"]}
`);
});

test('secrets are not shown', () => {
  const text = renderConfig(
    resolveRun({
      file: 'push: {url: "http://u:hunter2@h:1/write?token=hunter2&a=hunter2", headers: {X-Key: hunter2, Authorization: hunter2}}',
    }),
  );
  assert.doesNotMatch(text, /hunter/);
  const { push } = parse(text) as { push: Record<string, unknown> };
  assert.equal(push['url'], 'http://u:<secret>@h:1/write?token=<secret>&a=<secret>');
  const token = renderConfig(resolveRun({ file: 'push: {url: "http://hunter2@h:1/write"}' }));
  assert.match(token, /url: http:\/\/<secret>@h:1\/write$/m, 'a user alone may be a token');
  assert.deepEqual(push['headers'], { 'X-Key': '<secret>', Authorization: '<secret>' });
});
