// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { resolveConfig } from '../../src/config/resolve-config.js';
import { SETTINGS } from '../../src/config/settings.js';
import { ConfigError, EXIT_CODE } from '../../src/errors.js';
import { complaintsOf, resolve, resolveRun } from '../support/config/fixture-text.js';

const PUSH_URL = 'http://localhost:8428/api/v1/import/prometheus';

test('nothing given: the defaults, every one', () => {
  assert.deepEqual(resolve({}), {
    action: 'run',
    configFile: undefined,
    reload: { autoReloadMs: undefined, lifecycle: false },
    config: {
      interfaces: ['eth0'],
      interfacesGiven: false,
      filter: 'all',
      intervalMs: 5000,
      excludeDns: false,
      collectAgg: 'default',
      hostIp: { kind: 'auto' },
      networks: { networks: [] },
      attachMode: 'auto',
      print: 'auto',
      statePath: '',
      flows: {
        maxSeries: 10_000,
        maxNewSeriesPerMinute: 600,
        maxExpositionBytes: 16_000_000,
        newSeries: 'zero_first',
        holdMaxMs: 120_000,
        labels: [
          'src_ip',
          'dst_ip',
          'src_port',
          'dst_port',
          'protocol',
          'traffic_type',
          'interface',
          'host_ip',
          'collect_agg',
        ],
        include: [],
        exclude: [],
        gauges: true,
        idleTimeoutMs: 300_000,
        ports: 'all',
        ephemeralPorts: 'host',
        servicePorts: [44_818, 47_808, 50_051, 51_820],
        srcPort: true,
        dstPort: true,
        vlan: false,
        ipv4PrefixLength: 32,
        ipv6PrefixLength: 128,
      },
      kernel: { maxFlows: 131_072, slotsPerCpu: 131_072, maxSlotBytes: 0, pinPath: '' },
      roce: {
        enabled: true,
        perQueuePair: false,
        decapMirror: false,
        maxPairs: 1000,
        maxStreams: 16_384,
      },
      rdma: { enabled: true, sysfsPath: '/sys', maxOwners: 256, perQueuePair: false },
      nic: { enabled: true, raw: [], sysfsPath: '/sys' },
      web: {
        listenAddress: [{ host: undefined, port: 10_060 }],
        systemdSocket: false,
        configFile: '',
        telemetryPath: '/metrics',
        openmetricsCreated: false,
        maxRequests: 40,
        ui: true,
      },
      log: { level: 'info', format: 'logfmt' },
      push: {
        enabled: false,
        url: PUSH_URL,
        format: 'auto',
        compression: 'auto',
        headers: {},
        basicAuth: { username: '', passwordFile: '' },
        bearerTokenFile: '',
        tls: { caFile: '', certFile: '', keyFile: '', serverName: '', insecureSkipVerify: false },
        timeoutMs: 30_000,
        queueMaxBytes: 67_108_864,
        batchMaxSamples: 10_000,
        maxAgeMs: 86_400_000,
        retry: { minBackoffMs: 500, maxBackoffMs: 30_000, on429: true },
        spoolPath: '',
        spoolMaxBytes: 1_073_741_824,
        extraLabels: {},
        job: 'xtrace-catch',
        instance: '',
      },
    },
  });
});

test('the value is frozen to its depths, and one resolution never shows in another', () => {
  const config = resolveRun({});
  for (const part of [config, config.interfaces, config.flows, config.web, config.push]) {
    assert.ok(Object.isFrozen(part));
  }
  assert.throws(() => (config.interfaces as string[]).push('eth1'), TypeError);
  assert.notEqual(resolveRun({ argv: ['-i', 'eth9'] }).interfaces, resolveRun({}).interfaces);
  assert.deepEqual(resolveRun({}).interfaces, ['eth0']);
});

describe('precedence: command line, environment, file, default', () => {
  const argv = ['-i', 'flag0'];
  const env = { NETWORK_INTERFACE: 'env0' };
  const file = 'interfaces: [file0]';
  const cases = [
    { given: { argv, env, file }, interfaces: ['flag0'] },
    { given: { env, file }, interfaces: ['env0'] },
    { given: { file }, interfaces: ['file0'] },
    { given: { argv, file }, interfaces: ['flag0'] },
  ];
  for (const { given, interfaces } of cases) {
    test(`${Object.keys(given).join(' + ')} -> ${interfaces}`, () => {
      const config = resolveRun(given);
      assert.deepEqual(config.interfaces, interfaces);
      assert.equal(config.interfacesGiven, true);
    });
  }

  test('it holds for each key alone: neighbours in a section come from where they were given', () => {
    const config = resolveRun({
      argv: ['--flows.max-series=7', '--web.listen-address=:1'],
      env: { COLLECT_AGG: 'from-env', VICTORIAMETRICS_ENABLED: '1' },
      file: 'collect_agg: from-file\nflows: {max_series: 5, vlan: true}\nweb: {max_requests: 3}\npush: {url: "http://h/write"}',
    });
    assert.equal(config.collectAgg, 'from-env');
    assert.deepEqual([config.flows.maxSeries, config.flows.vlan, config.flows.dstPort], [7, true, true]);
    assert.deepEqual(config.web, {
      listenAddress: [{ host: undefined, port: 1 }],
      systemdSocket: false,
      configFile: '',
      telemetryPath: '/metrics',
      openmetricsCreated: false,
      maxRequests: 3,
      ui: true,
    });
    assert.deepEqual([config.push.enabled, config.push.url], [true, 'http://h/write']);
  });

  test('false and never win over true and always, too', () => {
    const file = 'exclude_dns: true\nprint: always\npush: {enabled: true}';
    const config = resolveRun({
      argv: ['--exclude-dns=false', '--no-print'],
      env: { VICTORIAMETRICS_ENABLED: 'false' },
      file,
    });
    assert.deepEqual([config.excludeDns, config.print, config.push.enabled], [false, 'never', false]);
  });
});

describe('environment', () => {
  test('an empty or blank variable counts as not set', () => {
    const env = {
      NETWORK_INTERFACE: '',
      VICTORIAMETRICS_ENABLED: ' ',
      VICTORIAMETRICS_REMOTE_WRITE: '',
      COLLECT_AGG: '\t',
    };
    assert.deepEqual(resolve({ env }), resolve({}));
  });

  for (const [text, enabled] of [
    ['true', true],
    ['1', true],
    ['TRUE', true],
    ['on', true],
    ['false', false],
    ['0', false],
    ['no', false],
  ] as const) {
    test(`VICTORIAMETRICS_ENABLED=${text} is ${enabled}`, () => {
      assert.equal(resolveRun({ env: { VICTORIAMETRICS_ENABLED: text } }).push.enabled, enabled);
    });
  }

  test('interface names by commas, blanks trimmed, each once', () => {
    const env = { NETWORK_INTERFACE: ' eth0, ib0,,eth0 ,' };
    assert.deepEqual(resolveRun({ env }).interfaces, ['eth0', 'ib0']);
  });
});

test('every problem of every source at once, each at its place, also where another source overrides it', () => {
  const complaints = complaintsOf({
    argv: ['-t', '50', '-f', 'RoCE', '--bogus', 'word', '-i', 'eth0'],
    env: { NETWORK_INTERFACE: 'a/b', VICTORIAMETRICS_ENABLED: 'maybe' },
    file: 'interval_ms: "5000"\nflows:\n  max_series: 0\n  src_port: yes\n',
  });
  assert.deepEqual(complaints, [
    '--bogus: there is no such flag; --help lists them',
    '--filter: must be one of all, roce, roce_v1, roce_v2, tcp, udp, ib, but is "RoCE", did you mean "roce"?',
    '--interval: must be a whole number from 100 to 3600000 (milliseconds), but is 50',
    'NETWORK_INTERFACE: an interface name is 1 to 15 bytes without spaces, "/" and ":", but one is "a/b"',
    'VICTORIAMETRICS_ENABLED: must be true or false, but is "maybe"',
    'interval_ms: must be a whole number from 100 to 3600000 (milliseconds), but is "5000" (x.yaml, line 1)',
    'flows.max_series: must be a whole number from 1 to 1000000, but is 0 (x.yaml, line 3)',
    'flows.src_port: must be true or false, but is "yes" (x.yaml, line 4)',
  ]);
});

test('a ConfigError ends the process with 2 and holds one line a problem', () => {
  assert.throws(
    () => resolve({ argv: ['-t', '1', '-f', 'x'] }),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.exitCode, EXIT_CODE.usage);
      assert.equal(error.message.split('\n').length, 2);
      return true;
    },
  );
});

test('the password of a URL is not shown', () => {
  const env = { VICTORIAMETRICS_REMOTE_WRITE: 'ftp://user:secret@host/' };
  const [complaint = ''] = complaintsOf({ env });
  assert.match(complaint, /ftp:\/\/\*\*\*@host/);
  assert.doesNotMatch(complaint, /secret/);
});

test('law: whatever the words, variables and file, the answer is a value or a ConfigError with problems', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom('-i', '-f', '-t', '-l', '--print', '--config.check', '--', '-', '-ieth0', '--interval=5'),
    fc.string().map((text) => `--${text}`),
  );
  const fileText = fc.oneof(fc.string(), fc.json(), fc.constant('flows: {vlan: true}'));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), fc.string(), fileText, (argv, variable, file) => {
      try {
        resolve({ argv, env: { NETWORK_INTERFACE: variable, COLLECT_AGG: variable }, file });
      } catch (error) {
        assert.ok(error instanceof ConfigError, String(error));
        assert.ok(error.problems.length > 0);
        for (const { message } of error.problems) assert.doesNotMatch(message, /\n|undefined|\[object/);
      }
    }),
    { numRuns: 500 },
  );
});

test('law: an allowed value written to a file comes back as it was', () => {
  const settings = fc.record(
    {
      interfaces: fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9.@-]{0,14}$/), {
        minLength: 1,
        maxLength: 4,
      }),
      filter: fc.constantFrom(...SETTINGS.filter.words),
      interval_ms: fc.integer({ min: 100, max: 3_600_000 }),
      exclude_dns: fc.boolean(),
      collect_agg: fc.string({ minLength: 1, maxLength: 40 }).filter((text) => !/\p{C}/u.test(text)),
      attach_mode: fc.constantFrom(...SETTINGS.attach_mode.words),
      print: fc.constantFrom(...SETTINGS.print.words),
      kernel: fc.record({
        max_flows: fc.integer({ min: 1, max: 16_777_216 }),
        slots_per_cpu: fc.integer({ min: 6, max: 20 }).map((power) => 2 ** power),
        max_slot_bytes: fc.constantFrom(0, 65_536, 1_073_741_824),
      }),
      log: fc.record({ level: fc.constantFrom(...SETTINGS.log.level.words) }),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(settings, (given) => {
      const config = resolveRun({ file: stringify(given) });
      const wanted = resolveRun({});
      assert.deepEqual(config, {
        ...wanted,
        interfaces: given.interfaces ?? wanted.interfaces,
        interfacesGiven: given.interfaces !== undefined,
        filter: given.filter ?? wanted.filter,
        intervalMs: given.interval_ms ?? wanted.intervalMs,
        excludeDns: given.exclude_dns ?? wanted.excludeDns,
        collectAgg: given.collect_agg ?? wanted.collectAgg,
        attachMode: given.attach_mode ?? wanted.attachMode,
        print: given.print ?? wanted.print,
        kernel: {
          ...wanted.kernel,
          maxFlows: given.kernel?.max_flows ?? wanted.kernel.maxFlows,
          slotsPerCpu: given.kernel?.slots_per_cpu ?? wanted.kernel.slotsPerCpu,
          maxSlotBytes: given.kernel?.max_slot_bytes ?? wanted.kernel.maxSlotBytes,
        },
        log: { ...wanted.log, level: given.log?.level ?? wanted.log.level },
      });
    }),
  );
});

test('the file is read once, and only when it is named', () => {
  const paths: string[] = [];
  const readFile = (path: string): Uint8Array => {
    paths.push(path);
    return Buffer.from('filter: tcp');
  };
  resolveConfig({ argv: [], env: {}, readFile });
  assert.deepEqual(paths, []);
  const resolution = resolveConfig({ argv: ['--config.file', '/etc/a.yaml'], env: {}, readFile });
  assert.deepEqual(paths, ['/etc/a.yaml']);
  assert.equal('configFile' in resolution && resolution.configFile, '/etc/a.yaml');
});

test('resolvers cannot be left out where addresses lose their host bits', () => {
  const given = (length: number) => ({
    argv: ['--exclude-dns'],
    file: `flows: {ipv4_prefix_length: ${length}}`,
  });
  assert.match(complaintsOf(given(24)).join(), /^exclude_dns: .*ipv4_prefix_length 24.*set that to 32/);
  assert.equal(resolveRun(given(32)).excludeDns, true);
});
