// SPDX-License-Identifier: Apache-2.0
// Every way not to get an answer, and what people are told. Faults of real connections are in
// connections.test.ts and tls.long.test.ts.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  describeFailure,
  type FailureCode,
  PushFileError,
  PushTimeoutError,
} from '../../src/push/describe-failure.js';

function nodeError(code: string, message = `something ${code}`): Error {
  return Object.assign(new Error(message), { code });
}

const HTTP = 'http://vm.example:8428/api/v1/write';
const HTTPS = 'https://user:secret@vm.example/api/v1/write';

const CASES: readonly [name: string, error: unknown, url: string, code: FailureCode, sentence: string][] = [
  [
    'refused',
    nodeError('ECONNREFUSED'),
    HTTP,
    'refused',
    'nothing listens at vm.example:8428 (connection refused)',
  ],
  [
    'refused at each of several addresses',
    Object.assign(new AggregateError([nodeError('ENETUNREACH'), nodeError('ECONNREFUSED')]), { code: 'X' }),
    HTTP,
    'refused',
    'nothing listens at vm.example:8428 (connection refused)',
  ],
  [
    'reset',
    nodeError('ECONNRESET', 'socket hang up'),
    HTTPS,
    'reset',
    'vm.example:443 closed the connection without an answer (ECONNRESET)',
  ],
  [
    'no such name',
    nodeError('ENOTFOUND'),
    HTTP,
    'dns',
    'there is no host named vm.example (ENOTFOUND); look at push.url',
  ],
  [
    'no name server',
    nodeError('EAI_AGAIN'),
    HTTP,
    'dns',
    'the name vm.example cannot be looked up now (EAI_AGAIN)',
  ],
  [
    'no connection in time',
    nodeError('ETIMEDOUT'),
    HTTP,
    'timeout',
    'vm.example:8428 did not take the connection in time (ETIMEDOUT)',
  ],
  [
    'no answer in time',
    new PushTimeoutError(),
    HTTP,
    'timeout',
    'vm.example:8428 did not answer within 1500 ms (push.timeout_ms)',
  ],
  [
    'no route',
    nodeError('EHOSTUNREACH'),
    HTTP,
    'unreachable',
    'vm.example:8428 cannot be reached (EHOSTUNREACH); check routes and firewalls',
  ],
  [
    'not HTTP',
    nodeError('HPE_INVALID_CONSTANT'),
    HTTP,
    'not_http',
    'vm.example:8428 does not answer in HTTP (HPE_INVALID_CONSTANT); if it speaks TLS, push.url must start with https://',
  ],
  [
    'self-signed',
    nodeError('DEPTH_ZERO_SELF_SIGNED_CERT'),
    HTTPS,
    'tls',
    'the certificate of vm.example:443 is signed by itself; name it or its CA in push.tls.ca_file (DEPTH_ZERO_SELF_SIGNED_CERT)',
  ],
  [
    'unknown CA',
    nodeError('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
    HTTPS,
    'tls',
    'the certificate of vm.example:443 comes from a CA that is not known here; name that in push.tls.ca_file (UNABLE_TO_VERIFY_LEAF_SIGNATURE)',
  ],
  [
    'expired',
    nodeError('CERT_HAS_EXPIRED'),
    HTTPS,
    'tls',
    'the certificate of vm.example:443 has expired; it must be renewed there (CERT_HAS_EXPIRED)',
  ],
  [
    'not yet valid',
    nodeError('CERT_NOT_YET_VALID'),
    HTTPS,
    'tls',
    'the certificate of vm.example:443 is not valid yet; compare the clocks of both hosts (CERT_NOT_YET_VALID)',
  ],
  [
    'another host',
    nodeError(
      'ERR_TLS_CERT_ALTNAME_INVALID',
      "Hostname/IP does not match certificate's altnames: Host: vm.example. is not in the cert's altnames: DNS:other.example",
    ),
    HTTPS,
    'tls',
    'the certificate of vm.example:443 is for DNS:other.example; use that name in push.url, or set push.tls.server_name',
  ],
  [
    'HTTP behind https://',
    nodeError('EPROTO', 'write EPROTO 80: error:0A00010B:SSL routines::wrong version number:'),
    HTTPS,
    'tls',
    'vm.example:443 does not speak TLS; push.url must start with http://',
  ],
  [
    'client certificate wanted',
    nodeError('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'tlsv13 alert certificate required'),
    HTTPS,
    'tls',
    'vm.example:443 refuses the TLS connection (ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED); it may want another client certificate: push.tls.cert_file',
  ],
  [
    'key of another certificate',
    nodeError('ERR_OSSL_X509_KEY_VALUES_MISMATCH', 'key values mismatch'),
    HTTPS,
    'tls',
    'TLS with vm.example:443 fails: key values mismatch',
  ],
  [
    'a file',
    new PushFileError('push.bearer_token_file: /t cannot be read: there is no such file'),
    HTTP,
    'file',
    'push.bearer_token_file: /t cannot be read: there is no such file',
  ],
  [
    'anything else',
    nodeError('EMFILE', 'too many\n open files'),
    HTTP,
    'error',
    'vm.example:8428: too many open files',
  ],
  ['not even an error', 'why', HTTP, 'error', 'vm.example:8428: why'],
];

describe('failures', () => {
  for (const [name, error, url, code, sentence] of CASES) {
    test(name, () => {
      const described = describeFailure(error, { url: new URL(url), timeoutMs: 1500 });
      assert.deepEqual(described, { code, sentence });
      assert.doesNotMatch(described.sentence, /secret|\n|undefined/);
    });
  }
});
