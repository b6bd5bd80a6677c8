// SPDX-License-Identifier: Apache-2.0
// A web configuration file on disk with what it names: what is wrong is one sentence, and what was good stays.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ConfigError } from '../../src/errors.js';
import { readWebFile, signatureOf } from '../../src/web-config/read-web-file.js';
import { WebFileFollower } from '../../src/web-config/web-file-follower.js';
import { CertificateFolder } from '../support/http/certificates.js';

const TLS = 'tls_server_config: {cert_file: a.crt, key_file: a.key}\n';
const USERS = `basic_auth_users: {alice: $2y$04$${'a'.repeat(53)}}\n`;

function pairIn(t: TestContext): CertificateFolder {
  const folder = new CertificateFolder(t);
  folder.make('a');
  return folder;
}

interface Followed {
  readonly follower: WebFileFollower;
  readonly lines: string[];
  /** Two looks, as the first only sees that something has changed. */
  settle(): Promise<void>;
}

async function follow(t: TestContext, path: string, wallMs = () => Date.now()): Promise<Followed> {
  const lines: string[] = [];
  const note = (first: unknown, second?: string): void => void lines.push(String(second ?? first));
  const clock = { wallMs, schedule: () => () => undefined };
  const follower = new WebFileFollower(path, { clock, log: { info: note, warn: note, error: note } });
  t.after(() => follower.stop());
  await follower.loadFirst();
  const settle = async (): Promise<void> => {
    await follower.look();
    await follower.look();
  };
  return { follower, lines, settle };
}

/** Of the key, so that a message can be searched for it. */
function assertNoKey(text: string, folder: CertificateFolder): void {
  for (const line of folder.read('a.key').split('\n').slice(1, -2)) assert.ok(!text.includes(line));
}

type Prepare = (folder: CertificateFolder) => void;
const BROKEN: readonly (readonly [what: string, prepare: Prepare, sentence: RegExp])[] = [
  [
    'no certificate',
    (f) => rmSync(f.at('a.crt')),
    /^tls_server_config\.cert_file: \S+\/a\.crt cannot be read: there is no such file$/,
  ],
  [
    'no key',
    (f) => rmSync(f.at('a.key')),
    /^tls_server_config\.key_file: \S+\/a\.key cannot be read: there is no such file$/,
  ],
  [
    'a directory in place of the key',
    (f) => {
      rmSync(f.at('a.key'));
      mkdirSync(f.at('a.key'));
    },
    /it is a directory/,
  ],
  [
    'a FIFO in place of the key',
    (f) => {
      rmSync(f.at('a.key'));
      execFileSync('mkfifo', [f.at('a.key')]);
    },
    /it is a FIFO, and must be a file$/,
  ],
  [
    'a key of another certificate',
    (f) => {
      f.make('b');
      renameSync(f.at('b.key'), f.at('a.key'));
    },
    /the key in \S+a\.key is not that of the certificate in \S+a\.crt/,
  ],
  [
    'a certificate in place of the key',
    (f) => void f.write('a.key', f.read('a.crt')),
    /a\.key has no private key in PEM form/,
  ],
  [
    'a key in place of the certificate',
    (f) => void f.write('a.crt', f.read('a.key')),
    /a\.crt has no certificate in PEM form/,
  ],
  ['an empty key', (f) => void f.write('a.key', ''), /a\.key has no private key in PEM form/],
  [
    'half a key',
    (f) => void f.write('a.key', f.read('a.key').slice(0, 120)),
    /a\.key has no private key in PEM form/,
  ],
  [
    'a key with a passphrase',
    (f) => {
      const encrypted = ['-aes128', '-passout', 'pass:x', '-out', f.at('x.key')];
      execFileSync('openssl', ['pkey', '-in', f.at('a.key'), ...encrypted]);
      renameSync(f.at('x.key'), f.at('a.key'));
    },
    /a\.key is encrypted: give one without a passphrase/,
  ],
  [
    'a large file',
    (f) => void f.write('a.crt', 'x'.repeat((1 << 20) + 1)),
    /it is larger than 1048576 bytes/,
  ],
];

for (const [what, prepare, sentence] of BROKEN) {
  test(`${what} is one sentence, without anything of the key`, async (t) => {
    const folder = pairIn(t);
    const key = new CertificateFolder(t);
    key.write('a.key', folder.read('a.key'));
    const path = folder.write('web.yml', TLS);
    prepare(folder);
    const { result } = await readWebFile(path);
    assert.ok('problems' in result);
    const text = result.problems.map(({ path: where, message }) => `${where}: ${message}`).join('\n');
    assert.match(text, sentence);
    assert.ok(!text.includes('\n'));
    assertNoKey(text, key);
  });
}

test('a client_ca that is none', async (t) => {
  const folder = pairIn(t);
  folder.write('ca.crt', 'hunter2');
  const asked = 'client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt';
  const path = folder.write('web.yml', TLS.replace('}', `, ${asked}}`));
  const { result } = await readWebFile(path);
  assert.match(JSON.stringify(result), /ca\.crt has no certificate in PEM form/);
});

test('a key that may not be read', {
  skip: process.getuid?.() === 0 && 'root may read everything',
}, async (t) => {
  const folder = pairIn(t);
  chmodSync(folder.at('a.key'), 0);
  const { result } = await readWebFile(folder.write('web.yml', TLS));
  assert.match(JSON.stringify(result), /permission denied/);
});

test('a file that is none, or a FIFO, is refused at the start', async (t) => {
  const folder = new CertificateFolder(t);
  await assert.rejects(follow(t, folder.at('none.yml')), (error) => {
    assert.ok(error instanceof ConfigError);
    return /^web\.config_file: \S+none\.yml cannot be read: there is no such file$/.test(error.message);
  });
  execFileSync('mkfifo', [folder.at('fifo')]);
  await assert.rejects(follow(t, folder.at('fifo')), /it is a FIFO, and must be a file/);
});

test('certificate and key in the file itself serve as well', async (t) => {
  const folder = pairIn(t);
  const indented = (name: string): string => folder.read(name).replace(/^/gm, '    ');
  const text = `tls_server_config:\n  cert: |\n${indented('a.crt')}\n  key: |\n${indented('a.key')}\n`;
  const { follower } = await follow(t, folder.write('web.yml', text));
  assert.ok(follower.current.tls);
});

test('a certificate that is replaced is served when both files are there; until then, the old one', async (t) => {
  const folder = pairIn(t);
  const { follower, lines, settle } = await follow(t, folder.write('web.yml', TLS));
  const before = follower.current;
  folder.make('b');
  renameSync(folder.at('b.crt'), folder.at('a.crt'));
  await settle();
  assert.equal(follower.current, before);
  await settle();
  assert.equal(lines.length, 1, 'it is told once');
  assert.match(lines[0] ?? '', /is not that of the certificate .*; what was read before stays in use$/);
  renameSync(folder.at('b.key'), folder.at('a.key'));
  await follower.look();
  assert.equal(follower.current, before, 'it may still be written');
  await follower.look();
  assert.notEqual(follower.current, before);
  assert.match(lines[1] ?? '', /web\.yml and what it names were read again$/);
});

test('a file that breaks changes nothing, is told once a change, and is served by once it is whole', async (t) => {
  const folder = new CertificateFolder(t);
  const { follower, lines, settle } = await follow(t, folder.write('web.yml', USERS));
  for (const text of [
    '',
    '# nobody\n',
    'basic_auth_users: {alice: hunter2}\n',
    `${TLS}${USERS}`,
    'rate_limit: [\n',
  ]) {
    folder.write('web.yml', text);
    await settle();
    await settle();
    assert.deepEqual([...follower.current.users.keys()], ['alice'], JSON.stringify(text));
  }
  assert.equal(lines.length, 5);
  assert.doesNotMatch(lines.join('\n'), /hunter/);
  rmSync(folder.at('web.yml'));
  await settle();
  assert.match(lines[5] ?? '', /there is no such file; what was read before stays in use$/);
  folder.write('web.yml', USERS.replace('alice', 'bob'));
  await settle();
  assert.deepEqual([...follower.current.users.keys()], ['bob']);
});

test('law: a file that changes while it is read is read as it is then, or is seen to have changed', async (t) => {
  const folder = pairIn(t);
  for (let turns = 0; turns < 300; turns++) {
    const path = folder.write('web.yml', TLS);
    const reading = readWebFile(path);
    for (let turn = 0; turn < turns % 60; turn++) await nextTurn();
    folder.write('web.yml', TLS + USERS);
    const { result, paths, signature } = await reading;
    const isNew = 'users' in result && result.users.size > 0;
    assert.ok(isNew || signature !== (await signatureOf(paths)), `after ${turns % 60} turns`);
  }
});

test('what was read and has not changed has the signature of a look at it', async (t) => {
  const folder = pairIn(t);
  for (const text of [TLS, USERS, 'rate_limit: [\n']) {
    const { paths, signature } = await readWebFile(folder.write('web.yml', text));
    assert.equal(signature, await signatureOf(paths), text);
  }
});

test('whoever asks for a reload has the file as it is now, or learns why not, as often as he asks', async (t) => {
  const folder = new CertificateFolder(t);
  const { follower, lines, settle } = await follow(t, folder.write('web.yml', USERS));
  assert.deepEqual(await follower.lookNow(), []);
  assert.deepEqual(lines, [], 'nothing has changed');
  folder.write('web.yml', USERS.replace('alice', 'bob'));
  const [, problems] = await Promise.all([follower.look(), follower.lookNow()]);
  assert.deepEqual(problems, []);
  assert.deepEqual([...follower.current.users.keys()], ['bob']);
  assert.equal(lines.length, 1);
  folder.write('web.yml', '# nobody\n');
  for (let asked = 0; asked < 2; asked++) {
    const [problem] = await follower.lookNow();
    assert.match(problem?.message ?? '', /^logging in is not switched off while the exporter runs/);
    await settle();
  }
  assert.equal(lines.length, 1, 'who has asked tells it');
  folder.write('web.yml', 'rate_limit: [\n');
  await settle();
  assert.match(lines[1] ?? '', /what was read before stays in use$/);
  assert.equal((await follower.lookNow()).length > 0, true, 'it is known, and told again to who asks');
  folder.write('web.yml', USERS);
  assert.deepEqual(await follower.lookNow(), []);
  assert.deepEqual([...follower.current.users.keys()], ['alice']);
});

test('TLS is neither switched on nor off while it runs', async (t) => {
  const folder = pairIn(t);
  const { follower, lines, settle } = await follow(t, folder.write('web.yml', TLS));
  folder.write('web.yml', 'rate_limit: {}\n');
  await settle();
  assert.ok(follower.current.tls);
  assert.match(lines[0] ?? '', /TLS is not switched off while the exporter runs: restart it/);
});

test('a certificate that has expired is served, and told; also one that expires while it runs', async (t) => {
  const folder = new CertificateFolder(t);
  folder.make('a', { isExpired: true });
  const expired = await follow(t, folder.write('web.yml', TLS));
  assert.match(expired.lines.join('\n'), /^the certificate in \S+a\.crt expired on \d{4}-.*; replace it$/);
  folder.make('a');
  let nowMs = Date.now();
  const expiring = await follow(t, folder.write('web.yml', TLS), () => nowMs);
  await expiring.settle();
  assert.deepEqual(expiring.lines, []);
  nowMs += 40 * 86_400_000;
  await expiring.settle();
  assert.equal(expiring.lines.length, 1, 'once');
});

test('headers and a rate limit are what the file says; one that lets nothing pass is told', async (t) => {
  const folder = new CertificateFolder(t);
  const text = `${USERS}http_server_config: {headers: {X-Frame-Options: deny}}\nrate_limit: {interval: 1s, burst: 0}\n`;
  const { follower, lines } = await follow(t, folder.write('web.yml', text));
  assert.deepEqual(follower.current.headers, { 'X-Frame-Options': 'deny' });
  assert.deepEqual(follower.current.rateLimit, { intervalMs: 1000, burst: 0 });
  assert.match(lines[0] ?? '', /rate_limit\.burst is 0, so that every request gets 429/);
});
