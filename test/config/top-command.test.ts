// SPDX-License-Identifier: Apache-2.0
// `xtrace-catch top`: its flags, the mistakes one can make with it, and where it looks for the exporter.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { targetOfListener, topTarget } from '../../src/config/top-target.js';
import { complaintsOf, type Given, resolve } from '../support/config/fixture-text.js';

function topOf(given: Given) {
  const resolution = resolve(given);
  assert.ok(resolution.action === 'top', resolution.action);
  return resolution;
}

const NOTHING = {
  ...{ url: undefined, once: false, json: false, attach: false, insecure: false },
  ...{ user: '', passwordFile: '', caFile: '', certFile: '', interfaceName: undefined, hasInterval: false },
};

test('without flags: the exporter of this host, to look at', () => {
  assert.deepEqual(topOf({ argv: ['top'] }).top, NOTHING);
});

test('its flags, and the usual ones beside them', () => {
  const files = ['--user=me', '--password-file=/p', '--ca-file=/ca', '--cert-file=/c', '--insecure'];
  const { top, config } = topOf({
    argv: ['top', '--url=unix:/run/x.sock', '--once', '--json', ...files, '-i', 'eth3'],
    file: 'web: {listen_address: ":9"}\n',
  });
  assert.deepEqual(top, {
    ...{ url: 'unix:/run/x.sock', once: true, json: true, attach: false, insecure: true },
    ...{
      user: 'me',
      passwordFile: '/p',
      caFile: '/ca',
      certFile: '/c',
      interfaceName: 'eth3',
      hasInterval: false,
    },
  });
  assert.deepEqual(config.web.listenAddress, [{ host: undefined, port: 9 }]);
});

test('-i is one interface to show, or those to attach to', () => {
  assert.equal(topOf({ argv: ['top', '-i', 'eth0,eth1'] }).top.interfaceName, undefined);
  assert.equal(topOf({ argv: ['top', '-i', 'eth*'] }).top.interfaceName, undefined);
  const attached = topOf({ argv: ['top', '--attach', '-i', 'eth0', '-t', '500'] });
  assert.equal(attached.top.interfaceName, undefined);
  assert.equal(attached.top.hasInterval, true);
  assert.deepEqual(attached.config.interfaces, ['eth0']);
});

describe('mistakes', () => {
  const allowed = 'http://HOST:PORT, https://HOST:PORT, HOST:PORT or unix:/PATH';
  const cases: [string[], string[]][] = [
    [['--once'], ['--once: is a flag of top alone: xtrace-catch top --once']],
    [
      ['top', '--url=/run/x.sock'],
      [`--url: must be ${allowed}, but is "/run/x.sock", did you mean "unix:/run/x.sock"?`],
    ],
    [
      ['top', '--url=http://'],
      [`--url: must be ${allowed}, but is text of 7 characters (not shown, as it may be a secret)`],
    ],
    [['top', '--url=a b'], [`--url: must be ${allowed}, but is "a b"`]],
    [['top', '--url=:0'], [`--url: must be ${allowed} with a port above 0, but is ":0"`]],
    [['top', '--url=:1', '--attach'], ['--attach: starts an exporter of its own: leave --url out']],
    [['top', '--user=x'], ['--password-file: is missing: a login is --user and --password-file together']],
    [['top', '--password-file=x'], ['--user: is missing: a login is --user and --password-file together']],
    [['top', '--user=a:b', '--password-file=x'], ['--user: must have no ":" in it']],
    [['top', '--ca-file='], ['--ca-file: must not be empty']],
  ];
  for (const [argv, wanted] of cases) {
    test(argv.join(' '), () => assert.deepEqual(complaintsOf({ argv }), wanted));
  }
});

describe('where the exporter is', () => {
  const cases: [string, string, string | undefined][] = [
    ['http://node1:10060', 'http://node1:10060', undefined],
    ['http://node1:10060/metrics', 'http://node1:10060', undefined],
    ['https://[::1]:1/x/api/v1/', 'https://[::1]:1/x', undefined],
    ['http://u:p@h:1/pre/', 'http://h:1/pre', undefined],
    [':10060', 'http://127.0.0.1:10060', undefined],
    ['0.0.0.0:1', 'http://127.0.0.1:1', undefined],
    ['[::]:1', 'http://[::1]:1', undefined],
    ['node1', 'http://node1:10060', undefined],
    ['unix:/run/x.sock', 'http://localhost', '/run/x.sock'],
  ];
  for (const [text, url, socketPath] of cases) {
    test(text, () => {
      const judged = topTarget(false)(text);
      assert.ok('value' in judged);
      assert.deepEqual([judged.value.url, judged.value.socketPath], [url, socketPath]);
    });
  }

  test('a login in the URL is taken out of it, and TLS is spoken where the configuration does', () => {
    const judged = topTarget(false)('http://u:p%40@h:1');
    assert.ok('value' in judged);
    assert.deepEqual([judged.value.login, judged.value.shown], [{ user: 'u', password: 'p@' }, 'http://h:1']);
    assert.equal(targetOfListener({ host: undefined, port: 1 }, true).url, 'https://127.0.0.1:1');
    assert.equal(targetOfListener({ path: '/x' }, true).url, 'https://localhost');
  });
});
