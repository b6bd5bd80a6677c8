// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { complaintsOf, resolve, resolveRun } from '../support/config/fixture-text.js';

describe('what is asked for', () => {
  const cases: [string[], string][] = [
    [[], 'run'],
    [['--config.check'], 'check'],
    [['-l'], 'list'],
    [['--list'], 'list'],
    [['-h'], 'help'],
    [['--help'], 'help'],
    [['--version'], 'version'],
    [['-lh'], 'help'],
    [['--version', '-l'], 'version'],
    [['--help=false'], 'run'],
    // Help is what the mistaken need.
    [['--bogus', '-h', 'x', '-t', 'y'], 'help'],
  ];
  for (const [argv, action] of cases) {
    test(`${argv.join(' ') || '(nothing)'}: ${action}`, () => assert.equal(resolve({ argv }).action, action));
  }

  test('--list does not care for environment and file, but for the command line', () => {
    assert.equal(resolve({ argv: ['-l'], env: { VICTORIAMETRICS_ENABLED: 'maybe' } }).action, 'list');
    assert.deepEqual(complaintsOf({ argv: ['-l', '--bogus'] }).length, 1);
  });
});

test('every flag of the contract sets its value', () => {
  const config = resolveRun({
    argv: [
      ...['-i', 'eth0,ib0', '-f', 'roce_v2', '-t', '100', '--exclude-dns', '--attach-mode', 'generic'],
      ...['--web.listen-address=[::1]:0', '--web.telemetry-path=/m/x', '--print', '--log.level=debug'],
      ...['--log.format', 'json', '--flows.max-series', '12', '--web.listen-address', 'unix:/run/x.sock'],
      ...['--web.systemd-socket', '--web.config.file', 'web.yml'],
    ],
  });
  const wanted = resolveRun({});
  assert.deepEqual(config, {
    ...wanted,
    interfaces: ['eth0', 'ib0'],
    interfacesGiven: true,
    filter: 'roce_v2',
    intervalMs: 100,
    excludeDns: true,
    attachMode: 'generic',
    print: 'always',
    web: {
      ...wanted.web,
      listenAddress: [{ host: '::1', port: 0 }, { path: '/run/x.sock' }],
      systemdSocket: true,
      configFile: 'web.yml',
      telemetryPath: '/m/x',
    },
    log: { level: 'debug', format: 'json' },
    flows: { ...wanted.flows, maxSeries: 12 },
  });
});

test('the long names of -i, -f and -t, and values joined to short flags', () => {
  const long = resolveRun({ argv: ['--interface=eth1', '--filter', 'udp', '--interval=200'] });
  assert.deepEqual(resolveRun({ argv: ['-ieth1', '-fudp', '-t200'] }), long);
  assert.deepEqual([long.interfaces, long.filter, long.intervalMs], [['eth1'], 'udp', 200]);
});

test('a flag given again wins over its earlier self; interfaces add up', () => {
  const config = resolveRun({
    argv: ['-t', '100', '-t', '200', '-i', 'a', '-i', 'b,a', '--print', '--no-print'],
  });
  assert.deepEqual([config.intervalMs, config.interfaces, config.print], [200, ['a', 'b'], 'never']);
});

describe('mistakes', () => {
  const cases: [string[], string[]][] = [
    [['eth0'], ['eth0: is not a flag, and no other arguments are allowed; name interfaces with -i']],
    [['help'], ['help: is not a flag, and no other arguments are allowed, did you mean "--help"?']],
    [['--', 'eth0'], ['eth0: is not a flag, and no other arguments are allowed; name interfaces with -i']],
    [['--intervall=3'], ['--intervall: there is no such flag, did you mean "--interval"?']],
    [
      ['--flows.max_series', '3'],
      ['--flows.max_series: there is no such flag, did you mean "--flows.max-series"?'],
    ],
    [
      ['--log-level', 'debug', '-t', '1000'],
      ['--log-level: there is no such flag, did you mean "--log.level"?'],
    ],
    [['-z'], ['-z: there is no such flag; --help lists them']],
    [['-interface', 'eth0'], ['-interface: long flags have two dashes, did you mean "--interface"?']],
    [['-help'], ['-help: long flags have two dashes, did you mean "--help"?']],
    [['-i'], ['--interface: needs a value: --interface=NAMES']],
    [
      ['-i', '-f', 'tcp'],
      ['--interface: needs a value, but the next word is -f; write --interface=-f if that is the value'],
    ],
    [
      ['-i', '-f'],
      [
        '--interface: needs a value, but the next word is -f; write --interface=-f if that is the value',
        '--filter: needs a value: --filter=TYPE',
      ],
    ],
    [['-i', ''], ['--interface: must name at least one interface']],
    [['--interface=,'], ['--interface: must name at least one interface']],
    [['--filter='], ['--filter: must be one of all, roce, roce_v1, roce_v2, tcp, udp, ib, but is ""']],
    [['--print=sometimes'], ['--print: must be true, false or without a value, but is "sometimes"']],
    [['--config.file='], ['--config.file: needs the path of a file']],
    [['-t', '5s'], ['--interval: must be a whole number from 100 to 3600000 (milliseconds), but is "5s"']],
    [['-t', '1e3'], ['--interval: must be a whole number from 100 to 3600000 (milliseconds), but is "1e3"']],
    [
      ['-t', '0x100'],
      ['--interval: must be a whole number from 100 to 3600000 (milliseconds), but is "0x100"'],
    ],
    [['-t=-5'], ['--interval: must be a whole number from 100 to 3600000 (milliseconds), but is "=-5"']],
    [['--interval=-5'], ['--interval: must be a whole number from 100 to 3600000 (milliseconds), but is -5']],
    [['-t', '99'], ['--interval: must be a whole number from 100 to 3600000 (milliseconds), but is 99']],
    [
      ['-t', '3600001'],
      ['--interval: must be a whole number from 100 to 3600000 (milliseconds), but is 3600001'],
    ],
    [['--__proto__=1'], ['--__proto__: there is no such flag; --help lists them']],
  ];
  for (const [argv, wanted] of cases) {
    test(argv.join(' '), () => assert.deepEqual(complaintsOf({ argv }), wanted));
  }
});

describe('listen addresses', () => {
  const addresses: [text: string, host: string | undefined, port: number][] = [
    [':10060', undefined, 10_060],
    ['127.0.0.1:0', '127.0.0.1', 0],
    ['127.0.0.1:9', '127.0.0.1', 9],
    ['localhost:80', 'localhost', 80],
    ['localhost:0', 'localhost', 0],
    ['host.example:65535', 'host.example', 65_535],
    ['[::1]:65535', '::1', 65_535],
    ['[::]:10060', '::', 10_060],
    ['[fe80::1%eth0]:1', 'fe80::1%eth0', 1],
    ['0.0.0.0:9', '0.0.0.0', 9],
  ];
  for (const [text, host, port] of addresses) {
    test(`${text} is one`, () => {
      const { web } = resolveRun({ argv: ['--web.listen-address', text] });
      assert.deepEqual(web.listenAddress, [{ host, port }]);
    });
  }
  const hints: [string, string][] = [
    ['9100', ', did you mean ":9100"?'],
    ['http://h:80/', ', did you mean "h:80"?'],
    ['::1', ', did you mean "[::1]:10060"?'],
    ['localhost', ''],
    [':65536', ''],
    ['[eth0]:1', ''],
    ['', ''],
    ['a b:1', ''],
    ['127.0.0.1', ''],
    ['::1:10060', ''],
    [':', ''],
    [':-1', ''],
    [':1e3', ''],
    ['[localhost]:1', ''],
    ['[]:1', ''],
  ];
  for (const [address, hint] of hints) {
    test(`${JSON.stringify(address)} is none${hint}`, () => {
      assert.deepEqual(complaintsOf({ argv: [`--web.listen-address=${address}`] }), [
        `--web.listen-address: must be HOST:PORT, :PORT, [IPV6]:PORT with a port from 0 to 65535, or unix:/PATH, but is ${JSON.stringify(address)}${hint}`,
      ]);
    });
  }
});

describe('telemetry paths', () => {
  for (const path of ['/metrics', '/a/b.c_d~e-f', '/...']) {
    test(`${path} is one`, () => {
      assert.equal(resolveRun({ argv: [`--web.telemetry-path=${path}`] }).web.telemetryPath, path);
    });
  }
  for (const path of [
    '',
    '/',
    'metrics',
    '/-/healthy',
    '/-',
    '/a/',
    '//a',
    '/a/../b',
    '/./a',
    '/a?b',
    '/a b',
    '/:id',
    '/*x',
  ]) {
    test(`${JSON.stringify(path)} is none`, () => {
      assert.equal(complaintsOf({ argv: [`--web.telemetry-path=${path}`] }).length, 1);
    });
  }
});

describe('interface names', () => {
  const most = 'a'.repeat(15);
  for (const name of ['eth0', 'ib0', 'br-1f', 'eth0.100', 'a@b', most, 'ö'.repeat(7)]) {
    test(`${name} is one`, () => assert.deepEqual(resolveRun({ argv: ['-i', name] }).interfaces, [name]));
  }
  for (const name of [`${most}a`, 'a/b', '.', '..', 'a b', 'eth0:1', 'ö'.repeat(8), 'a\u0007']) {
    test(`${JSON.stringify(name)} is none`, () =>
      assert.equal(complaintsOf({ argv: ['-i', name] }).length, 1));
  }
});
