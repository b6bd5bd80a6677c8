// SPDX-License-Identifier: Apache-2.0
// A child process of flood.ts: a client that opens connections and sends what no scraper sends.
// Argument: a FloodPlan as JSON. Says `open` once all connections are, and at its end how many there
// were. Ends by itself, after a few minutes at the latest.

import { connect, type Socket } from 'node:net';
import process from 'node:process';
import { connect as connectTls } from 'node:tls';
import type { Flooded, FloodPlan } from './flood.js';

/** Should the test die without ending its children. */
const LIMIT_MS = 300_000;

const plan = JSON.parse(process.argv[2] ?? '') as FloodPlan;
const payload = Buffer.from(
  (plan.opening ?? '') + (plan.repeated ?? '').repeat(plan.times ?? 0),
  plan.isHex === true ? 'hex' : 'utf8',
);
const flooded: { -readonly [K in keyof Flooded]: Flooded[K] } = { connections: 0, failed: 0, closed: 0 };
const startedMs = performance.now();
let open = 0;
let connected = 0;

function flood(): void {
  open++;
  const to = { host: plan.host, port: plan.port, allowHalfOpen: plan.atEnd === 'end' };
  const socket = plan.tls === true ? connectTls({ ...to, rejectUnauthorized: false }) : connect(to);
  socket.setNoDelay(true);
  socket.on('error', () => {
    flooded.failed++;
  });
  socket.on(plan.tls === true ? 'secureConnect' : 'connect', () => {
    flooded.connections++;
    connected++;
    if (connected === plan.connections) process.stdout.write('open\n');
    if (plan.reads === true) socket.resume();
    else socket.pause();
    send(socket, 0);
  });
  socket.on('close', () => {
    flooded.closed++;
    open--;
    if (performance.now() - startedMs < (plan.durationMs ?? 0)) flood();
    else if (open === 0) end();
  });
}

/** In pieces, if the plan says so; then what the plan says. */
function send(socket: Socket, from: number): void {
  if (socket.destroyed) return;
  const to = Math.min(payload.length, from + (plan.pieceBytes ?? payload.length));
  const next = (): void => {
    if (to < payload.length) setTimeout(() => send(socket, to), plan.pauseMs ?? 0);
    else if (plan.atEnd === 'destroy') socket.destroy();
    else if (plan.atEnd === 'end') socket.end();
    else if (plan.holdMs !== undefined) setTimeout(() => socket.destroy(), plan.holdMs);
  };
  if (to > from) socket.write(payload.subarray(from, to), next);
  else next();
}

function end(): void {
  process.stdout.write(`${JSON.stringify(flooded)}\n`);
  process.exit(0);
}

for (let i = 0; i < plan.connections; i++) flood();
// Keeps the process alive as well: sockets that are not read do not.
setTimeout(() => process.exit(1), LIMIT_MS);
if (plan.limitMs !== undefined) setTimeout(end, plan.limitMs);
