// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openLibc } from '../../src/kernel/ffi.js';
import { type NotifySocket, openNotifySocket } from '../../src/kernel/notify-socket.js';

const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
const libc = openLibc();

/** A service manager's socket; `receive` gives the next message, '' where none waits. */
function listen(t: TestContext, address: string) {
  const ffi = createRequire(import.meta.url)('ffi-napi') as typeof import('ffi-napi');
  // int bind(int sockfd, const struct sockaddr *addr, socklen_t addrlen)
  const { bind } = ffi.Library(null, { bind: ['int', ['int', 'pointer', 'uint32']] });
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0);
  let isOpen = true;
  const close = (): void => {
    if (isOpen) libc.close(fd);
    isOpen = false;
  };
  t.after(close);
  const name = Buffer.from(address.replace(/^@/, '\0'));
  const sockaddr = Buffer.concat([Buffer.from([AF_UNIX, 0]), name]);
  assert.equal(bind(fd, sockaddr as never, sockaddr.length), 0, address);
  return {
    close,
    receive(): string {
      const buffer = Buffer.alloc(4096);
      const length = Number(libc.recv(fd, buffer, buffer.length, 0));
      return length < 0 ? '' : buffer.toString('utf8', 0, length);
    },
  };
}

function open(t: TestContext, address: string): NotifySocket {
  const socket = openNotifySocket(address, libc);
  assert.ok(typeof socket !== 'string', String(socket));
  t.after(() => socket.close());
  return socket;
}

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'xtrace-notify-'));
  t.after(() => rmSync(made, { recursive: true }));
  return made;
}

test('a message arrives, by a path and by an abstract name', (t) => {
  for (const address of [join(folder(t), 'notify'), `@xtrace-notify-${process.pid}`]) {
    const manager = listen(t, address);
    const socket = open(t, address);
    assert.equal(socket.send('READY=1\nSTATUS=counting on eth0, ünïcode'), undefined);
    assert.equal(manager.receive(), 'READY=1\nSTATUS=counting on eth0, ünïcode');
  }
});

test('a receiver that is not there, or takes nothing, is told and holds up nothing', (t) => {
  const address = join(folder(t), 'notify');
  const socket = open(t, address);
  assert.equal(socket.send('READY=1'), 'ENOENT');
  const manager = listen(t, address);
  let problem: string | undefined;
  let sent = 0;
  while (problem === undefined && sent < 100_000) {
    problem = socket.send('WATCHDOG=1');
    sent++;
  }
  assert.equal(problem, 'EAGAIN', `${sent} messages`);
  manager.receive();
  assert.equal(socket.send('READY=1'), undefined);
  manager.close();
  assert.equal(socket.send('READY=1'), 'ECONNREFUSED');
});

test('the longest path that a socket can have is one', (t) => {
  const base = folder(t);
  const longest = join(base, 'n'.repeat(107 - base.length - 1));
  const manager = listen(t, longest);
  assert.equal(open(t, longest).send('READY=1'), undefined);
  assert.equal(manager.receive(), 'READY=1');
  assert.match(String(openNotifySocket(`${longest}n`, libc)), /^NOTIFY_SOCKET is longer than 107 bytes/);
});

test('what is no address of a socket is one sentence', () => {
  for (const address of ['vsock:2:1234', 'relative/path', '@', '/', '']) {
    const sentence = openNotifySocket(address, libc);
    assert.match(String(sentence), /^NOTIFY_SOCKET is ".*", which is neither a path nor an abstract name/);
  }
});
