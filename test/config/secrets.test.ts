// SPDX-License-Identifier: Apache-2.0
// A secret that stands where something else should: what is refused is not repeated.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { complaintsOf } from '../support/config/fixture-text.js';

const SECRET = 'hunter2';

describe('no complaint shows the secret', () => {
  const files: readonly string[] = [
    `push: {url: ${SECRET}}`,
    `push: {url: "${SECRET}/api/v1/write"}`,
    `push: {url: "http://user:${SECRET}@"}`,
    `push: {url: "http://user:${SECRET}@ho st/"}`,
    `push: {url: "ftp://user:${SECRET}@host/"}`,
    `push: {url: "ftp://user:a/b@${SECRET}@host/"}`,
    `push: {url: "ftp://host/x?token=${SECRET}"}`,
    `push: {url: "ftp://host/x#${SECRET}"}`,
    `push: {headers: "Authorization: Bearer ${SECRET}"}`,
    `push: {headers: {Authorization Bearer ${SECRET}}}`,
    `push: {headers: {Authorization: ["Bearer ${SECRET}"]}}`,
    `push: {headers: {X-Key: "${SECRET}\\n"}}`,
    `push: {basic_auth: {username: "user:${SECRET}"}}`,
    `push: {basic_auth: {username: user, password_file: ${SECRET}}}`,
    `push: {bearer_token_file: ${SECRET}}`,
    `push: {tls: {key_file: "-----BEGIN PRIVATE KEY-----${SECRET}"}}`,
    `push: {enabled: true, url: "http://user:${SECRET}@host/"}`,
    `push: {enabled: true, url: "http://user:${SECRET}@host/write", bearer_token_file: /t}`,
    `web: {listen_address: "http://user:${SECRET}@host:80/?k=${SECRET}"}`,
    `interfaces: ["http://user:${SECRET}@h/"]`,
    SECRET,
    `push: {bearer_token_file: !${SECRET}}`,
    `push: {bearer_token_file: !<${SECRET}>}`,
    `push: {bearer_token_file: !${SECRET}! x}`,
    `push: {bearer_token_file: !a!${SECRET} x}`,
    `push: {headers: {X-Key: *${SECRET}}}`,
    `push: {headers: {X-Key: "\\x${SECRET}"}}`,
    `push: {headers: {X-Key: "\\q${SECRET}"}}`,
    `push:\n  headers:\n    X-Key: >${SECRET}\n`,
    `push:\n  headers:\n    X-Key: |${SECRET}\n`,
    `push:\n  headers:\n    X-Key: "a" ${SECRET}\n`,
    `push:\n  headers: {}\n    ${SECRET}\n`,
    `push:\n${SECRET}\n`,
    `push: {}\n- ${SECRET}\n`,
    `push: {url: "http://h/"}\n"${SECRET}" "${SECRET}"\n`,
    `push: {}} ${SECRET}\n`,
    `%${SECRET}\n---\npush: {}\n`,
    `%YAML ${SECRET}\n---\npush: {}\n`,
    `push: [*${SECRET}]`,
    `push: *${SECRET}`,
    `interfaces: [*${SECRET}]`,
    `interfaces: [!${SECRET}]`,
  ];
  for (const file of files) {
    test(file, () => assert.doesNotMatch(complaintsOf({ file }).join('\n'), /hunter/));
  }

  test('a numeric key of a header', () => {
    assert.doesNotMatch(complaintsOf({ file: 'push: {headers: {X-Key: 73577357}}' }).join(), /7357/);
  });

  test('VICTORIAMETRICS_REMOTE_WRITE', () => {
    for (const url of [
      SECRET,
      `user:${SECRET}@host`,
      `https://user:${SECRET}@:x/`,
      `wss://u:${SECRET}@h/?${SECRET}`,
    ]) {
      const complaints = complaintsOf({ env: { VICTORIAMETRICS_REMOTE_WRITE: url } });
      assert.equal(complaints.length, 1);
      assert.doesNotMatch(complaints.join(), /hunter/);
    }
  });

  test('words of the command line', () => {
    const url = `https://user:${SECRET}@host/?k=${SECRET}`;
    for (const argv of [[url], ['--push.url', url], [`--push.url=${url}`], ['-i', url], ['-i', `-x${url}`]]) {
      assert.doesNotMatch(complaintsOf({ argv }).join('\n'), /hunter/);
    }
  });
});

test('what is no URL is told by its length', () => {
  assert.deepEqual(complaintsOf({ env: { VICTORIAMETRICS_REMOTE_WRITE: SECRET } }), [
    'VICTORIAMETRICS_REMOTE_WRITE: must be an http:// or https:// URL, but is text of 7 characters (not shown, as it may be a secret)',
  ]);
});
