// SPDX-License-Identifier: Apache-2.0
// The format of Prometheus' exporter-toolkit: what it takes, what it refuses, and what we refuse on top, each
// with the sentence that says why. Cases of files that are missing are test/web-config's.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CIPHER_SUITE_NAMES, CURVES } from '../../src/config/tls-names.js';
import { parseWebFile } from '../../src/config/web-file.js';

const HASH = `$2y$10$${'a'.repeat(53)}`;
const PAIR = 'cert_file: a.crt\n  key_file: a.key';

const parse = (text: string) => parseWebFile('/etc/x/web.yml', Buffer.from(text));

function accepted(text: string) {
  const parsed = parse(text);
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed;
}

function complaintsOf(text: string): string[] {
  const parsed = parse(text);
  assert.ok('problems' in parsed, 'it has no problem');
  return parsed.problems.map(({ path, message }) => `${path}: ${message}`);
}

const tls = (more: string): string => `tls_server_config:\n  ${PAIR}\n  ${more}\n`;

const GOOD: Readonly<Record<string, string>> = {
  'an empty file': '',
  'a comment alone': '# nothing\n',
  'a certificate and its key': tls(''),
  'a certificate in the file itself': `tls_server_config:\n  cert: |\n    -----BEGIN\n  key_file: a.key\n`,
  'any client certificate': tls('client_auth_type: RequireAnyClientCert'),
  'the old name of that': tls('client_auth_type: RequireClientCert'),
  'a verified one where one is given': tls('client_auth_type: VerifyClientCertIfGiven'),
  'a verified one': tls('client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt'),
  'one with a certain name': tls(
    'client_auth_type: RequireAndVerifyClientCert\n  client_ca: x\n  client_allowed_sans: [one, two]',
  ),
  'every suite': tls(`cipher_suites: [${CIPHER_SUITE_NAMES.join(', ')}]`),
  'suites in the order of the client': tls(
    'cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n  prefer_server_cipher_suites: false',
  ),
  'suites that HTTP/2 does not have': `${tls('cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]\n  max_version: TLS12')}http_server_config: {http2: false}`,
  'every curve': tls(`curve_preferences: [${Object.keys(CURVES).join(', ')}]`),
  'one version': tls('min_version: TLS12\n  max_version: TLS12'),
  'all headers':
    'http_server_config:\n  headers:\n    X-Frame-Options: deny\n    X-Content-Type-Options: nosniff\n    X-XSS-Protection: 1\n    Strict-Transport-Security: max-age=1\n    Content-Security-Policy: "default-src *"',
  'users without TLS': `basic_auth_users:\n  alice: ${HASH}\n  bob: ${HASH.replace('$10', '$18')}\n`,
  'a limit of none': 'rate_limit: {interval: 0, burst: 0}',
  'a limit': 'rate_limit: {interval: 1s, burst: 5}',
};

describe('what the format takes', () => {
  for (const [what, text] of Object.entries(GOOD)) test(what, () => void accepted(text));
});

const BAD: readonly (readonly [what: string, text: string, complaint: RegExp])[] = [
  [
    'text that is no mapping',
    'hunter2 hunter2\n',
    /^\/etc\/x\/web\.yml: must be a mapping of keys to values, but is text$/,
  ],
  [
    'a key that is none',
    'tls_server_config: {cert_fil: a}',
    /cert_fil: there is no such key .*did you mean "cert_file"\?/,
  ],
  ['a section that is none', 'tls_config: {}', /tls_config: there is no such key at the top level/],
  [
    'an empty path of a certificate',
    'tls_server_config: {cert_file: "", key_file: k}',
    /TLS needs a certificate: give cert_file or cert/,
  ],
  ['an empty certificate', 'tls_server_config: {cert: "", key_file: k}', /TLS needs a certificate/],
  [
    'an empty path of a key',
    'tls_server_config: {cert_file: c, key_file: ""}',
    /TLS needs a key: give key_file or key/,
  ],
  ['an empty key', 'tls_server_config: {cert_file: c, key: ""}', /TLS needs a key/],
  [
    'a policy that is none',
    tls('client_auth_type: x'),
    /client_auth_type: must be one of NoClientCert, .* but is "x"/,
  ],
  [
    'a client_ca without a policy',
    tls('client_ca_file: /dev/null'),
    /no client would be asked for a certificate/,
  ],
  [
    'a policy without a client_ca',
    tls('client_auth_type: RequireAndVerifyClientCert'),
    /give client_ca_file or client_ca/,
  ],
  ['names without a policy', tls('client_allowed_sans: [a]'), /clients are not asked for certificates/],
  [
    'an invented suite',
    tls('cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA2048]'),
    /there is no "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA2048" among cipher suites, did you mean/,
  ],
  ['an invented curve', tls('curve_preferences: [CurveP257]'), /there is no "CurveP257" among curves/],
  [
    'an invented version',
    tls('min_version: TLS111'),
    /min_version: must be one of TLS10, TLS11, TLS12, TLS13, but is "TLS111"/,
  ],
  [
    'versions the wrong way round',
    tls('min_version: TLS13\n  max_version: TLS12'),
    /TLS13 is above max_version, TLS12/,
  ],
  [
    'suites that HTTP/2 does not have',
    tls('cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]\n  max_version: TLS12'),
    /HTTP\/2 asks for one of/,
  ],
  [
    'suites for no version',
    `${tls('cipher_suites: [TLS_AES_128_GCM_SHA256]\n  max_version: TLS12')}http_server_config: {http2: false}`,
    /none of them is for TLS12 or older/,
  ],
  [
    'a header that is set by us',
    'http_server_config: {headers: {Content-Type: foo}}',
    /Content-Type: there is no such key in http_server_config\.headers/,
  ],
  [
    'another X-Content-Type-Options',
    'http_server_config: {headers: {X-Content-Type-Options: sniff}}',
    /must be one of , nosniff, but is "sniff"/,
  ],
  [
    'another X-Frame-Options',
    'http_server_config: {headers: {X-Frame-Options: foo}}',
    /must be one of , deny, sameorigin, but is "foo"/,
  ],
  [
    'a header of two lines',
    'http_server_config: {headers: {X-XSS-Protection: "a\\nb"}}',
    /must be one line of at most 4096 Latin-1 characters/,
  ],
  [
    'a password that is not hashed',
    'basic_auth_users: {john: doe}',
    /basic_auth_users: the user "john" must have a bcrypt hash/,
  ],
  [
    'a hash that would take days',
    `basic_auth_users: {john: ${HASH.replace('$10', '$31')}}`,
    /a hash of cost 31: from 4 to 20/,
  ],
  ['a user with a colon', `basic_auth_users: {"a:b": ${HASH}}`, /a user name cannot have ":"/],
  ['users that are none', 'basic_auth_users:\n', /has no value/],
  [
    'an interval without a unit',
    'rate_limit: {interval: 1, burst: 1}',
    /interval: must be 0, or a duration of at most 24h/,
  ],
  ['a burst that is none', 'rate_limit: {interval: 1s, burst: -1}', /burst: must be a whole number/],
  [
    'a key given twice',
    'rate_limit: {}\nrate_limit: {}',
    /^\/etc\/x\/web\.yml:2:1: Map keys must be unique$/,
  ],
];

describe('what it does not', () => {
  for (const [what, text, complaint] of BAD) {
    test(what, () => {
      const complaints = complaintsOf(text);
      assert.equal(complaints.length, 1, complaints.join('\n'));
      assert.match(complaints[0] ?? '', complaint);
      assert.match(complaints[0] ?? '', /\/etc\/x\/web\.yml/, 'it names the file');
    });
  }
});

test('paths are relative to the folder of the file', () => {
  const { tls: served } = accepted('tls_server_config: {cert_file: a.crt, key_file: /k/a.key}');
  assert.deepEqual(served?.cert, { path: '/etc/x/a.crt' });
  assert.deepEqual(served?.key, { path: '/k/a.key' });
});

test('defaults are those of the format', () => {
  const { tls: served, headers, users, rateLimit } = accepted(tls(''));
  assert.deepEqual([served?.minVersion, served?.maxVersion], ['TLSv1.2', 'TLSv1.3']);
  assert.deepEqual([served?.clientAuthType, served?.prefersServerCipherSuites], ['NoClientCert', true]);
  assert.deepEqual([headers, users, rateLimit], [{}, [], undefined]);
});

test('where only suites of TLS 1.3 are given, there is no TLS 1.2, which would have all of its own', () => {
  const minVersionOf = (more: string) =>
    accepted(`${tls(more)}http_server_config: {http2: false}`).tls?.minVersion;
  assert.equal(minVersionOf('cipher_suites: [TLS_AES_128_GCM_SHA256]'), 'TLSv1.3');
  assert.equal(minVersionOf('cipher_suites: [TLS_AES_128_GCM_SHA256]\n  min_version: TLS10'), 'TLSv1.3');
  const both = '[TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]';
  assert.equal(minVersionOf(`cipher_suites: ${both}`), 'TLSv1.2');
  assert.equal(minVersionOf('cipher_suites: []'), 'TLSv1.2');
});

test('Go durations are milliseconds', () => {
  for (const [text, ms] of [
    ['1s', 1000],
    ['500ms', 500],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['250us', 0.25],
    ['250µs', 0.25],
  ] as const) {
    assert.deepEqual(accepted(`rate_limit: {interval: ${text}, burst: 1}`).rateLimit, {
      intervalMs: ms,
      burst: 1,
    });
  }
});

describe('no complaint shows a hash or a key', () => {
  const secret = 'hunter2hunter2';
  const hash = `$2y$10$${secret}`;
  for (const text of [
    `basic_auth_users: {alice: ${hash}}`,
    `basic_auth_users: {"${hash}": alice}`,
    `basic_auth_users: "alice ${hash}"`,
    `basic_auth_users: [${hash}]`,
    `basic_auth_users:\n  alice: "${hash}\n`,
    `basic_auth_users:\n  alice: ${hash}: x\n`,
    `basic_auth_users:\n  alice: {${hash}\n`,
    `alice: ${hash}`,
    `"${hash}": alice`,
    `tls_server_config: {key: [${secret}]}`,
    `tls_server_config: {key: {${secret}: ${secret}}}`,
    `tls_server_config: {key: "-----BEGIN PRIVATE KEY-----${secret}"}`,
    `tls_server_config: {key_file: ["-----BEGIN PRIVATE KEY-----${secret}"]}`,
    `tls_server_config: {key: |\n-----BEGIN PRIVATE KEY-----\n${secret}\n}`,
    ...['cert_file', 'key_file', 'client_ca_file'].map(
      (key) =>
        `tls_server_config:\n  ${key}:\n    -----BEGIN PRIVATE KEY-----\n    ${secret}\n    -----END PRIVATE KEY-----\n`,
    ),
  ]) {
    test(JSON.stringify(text), () => assert.doesNotMatch(complaintsOf(text).join('\n'), /hunter/));
  }

  test('a key in place of its path is refused before anybody opens it', () => {
    const [complaint = ''] = complaintsOf(
      `tls_server_config:\n  cert_file: a.crt\n  key_file:\n    -----BEGIN PRIVATE KEY-----\n    ${secret}\n`,
    );
    assert.match(complaint, /key_file: must be the path of a file, or "", but is text of \d+ characters/);
  });
});

test('law: no bytes make it throw', () => {
  const text = fc.array(
    fc.constantFrom(
      'tls_server_config',
      'basic_auth_users',
      'cert_file',
      ':',
      '\n  ',
      '{',
      '}',
      '[',
      '*a',
      '&a',
      '"',
      HASH,
      ' ',
    ),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        text.map((words) => Buffer.from(words.join(''))),
        fc.uint8Array(),
      ),
      (bytes) => {
        const parsed = parseWebFile('/w.yml', bytes);
        assert.ok(!('problems' in parsed) || parsed.problems.length > 0);
      },
    ),
    { numRuns: 500 },
  );
});
