// SPDX-License-Identifier: Apache-2.0
// RoCE over many paths at once: packets out of order, from 256 source ports, on every CPU in turn. What is
// counted of each stream stays the same; what their order adds is what the reference says of that order.

import assert from 'node:assert/strict';
import process from 'node:process';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { FRAMING } from '../../src/abi/kinds.js';
import { payloadOf } from '../support/frames/frames.js';
import { QP } from '../support/frames/vector-parts.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { ProgramUnderTest } from '../support/kernel/program-under-test.js';
import { ThreadCpus } from '../support/kernel/thread-cpus.js';
import { type BytesByPort, ReferenceStreams } from '../support/oracle/reference-roce-streams.js';
import {
  findCaptureFolder,
  NO_CAPTURES,
  readCapture,
  readCaptureNames,
} from '../support/oracle/tshark-truth.js';
import { disordered } from '../support/roce/packet-disorder.js';
import { V2_IPV4, V2_IPV6 } from '../support/roce/roce-count-parts.js';
import { addToBucket, type BytesByBucket, pathName } from '../support/roce/roce-ports.js';
import { withSourcePort } from '../support/roce/roce-source-port.js';
import type { NamedCells } from '../support/roce/roce-sums.js';

type Streams = Readonly<Record<string, NamedCells>>;

const PSN_IDLE_MAX_REFRESHES = 12;
const REACH = 32;
const SEED = 4791;
const FIRST_PORT = 0xc0f0;
const PORTS = 256;

/** What a network does to a list of frames. */
interface Network {
  readonly isShuffled: boolean;
  readonly isSprayed: boolean;
  readonly isOnEveryCpu: boolean;
}

const NETWORKS: Readonly<Record<string, Network>> = {
  'as they are': { isShuffled: false, isSprayed: false, isOnEveryCpu: false },
  shuffled: { isShuffled: true, isSprayed: false, isOnEveryCpu: false },
  'from 256 ports': { isShuffled: false, isSprayed: true, isOnEveryCpu: false },
  'shuffled, from 256 ports, on every CPU': { isShuffled: true, isSprayed: true, isOnEveryCpu: true },
};

function deliver(frames: readonly Buffer[], { isShuffled, isSprayed }: Network): Buffer[] {
  const sent = isSprayed
    ? frames.map((frame, i) => withSourcePort(frame, FIRST_PORT + (i % PORTS)))
    : [...frames];
  const choices = fc.sample(fc.nat({ max: 2 * REACH }), { seed: SEED, numRuns: sent.length });
  return isShuffled ? disordered(sent, REACH, choices) : sent;
}

/** Cells whose amounts do not depend on the order of packets nor on their source ports. */
function unordered(streams: Streams): Streams {
  const keep = (name: string): boolean =>
    !name.startsWith('psn') && name !== 'port' && name !== 'strayedBytes';
  return pick(streams, keep);
}

function withoutPorts(streams: Streams): Streams {
  return pick(streams, (name) => name !== 'port' && name !== 'strayedBytes');
}

function pick(streams: Streams, keep: (cell: string) => boolean): Streams {
  return Object.fromEntries(
    Object.entries(streams).map(([stream, cells]) => [
      stream,
      Object.fromEntries(Object.entries(cells).filter(([name]) => keep(name))),
    ]),
  );
}

/** The reference's ports, as the program tells them apart. */
function bucketsOf(bytesByPort: BytesByPort): BytesByBucket {
  const sums: BytesByBucket = new Map();
  for (const [stream, ports] of bytesByPort) {
    const [, srcIp = '', dstIp = '', qp = ''] = /(\S+) -> (\S+) qp (\S+) /.exec(stream) ?? [];
    for (const [port, bytes] of ports) {
      addToBucket(sums, pathName(srcIp, dstIp, Number.parseInt(qp, 16)), port, bytes);
    }
  }
  return sums;
}

/** Runs frames through a program of their own, one after another, on CPUs in turn where that is asked for. */
async function count(
  t: TestContext,
  frames: readonly Buffer[],
  cpus: ThreadCpus | undefined,
): Promise<{ readonly streams: Streams; readonly ports: BytesByBucket }> {
  const program = new ProgramUnderTest({
    roce: { psnIdleMaxRefreshes: PSN_IDLE_MAX_REFRESHES, streamCapacity: 4096 },
  });
  t.after(() => program.close());
  frames.forEach((frame, i) => {
    cpus?.moveTo(cpus.cpus[i % cpus.cpus.length] ?? 0);
    program.run(frame);
  });
  return await program.takeRoceAndPorts();
}

function sumOf(streams: Streams, cell: string): number {
  return Object.values(streams).reduce((sum, cells) => sum + (cells[cell] ?? 0), 0);
}

/** Fails where a network changes what is counted. How many packets came late, in all networks. */
async function compareNetworks(t: TestContext, frames: readonly Buffer[]): Promise<number> {
  const cpus = new ThreadCpus();
  t.after(() => cpus.close());
  let asTheyAre: Streams | undefined;
  let late = 0;
  for (const [name, network] of Object.entries(NETWORKS)) {
    await t.test(name, async (t) => {
      if (network.isOnEveryCpu && cpus.cpus.length < 2) {
        process.stderr.write('SKIPPED: one CPU cannot take turns\n');
        t.skip('one CPU cannot take turns');
        return;
      }
      const delivered = deliver(frames, network);
      const reference = new ReferenceStreams({ psnIdleMaxRefreshes: PSN_IDLE_MAX_REFRESHES });
      for (const frame of delivered) reference.count(frame, FRAMING.ethernet, 0);
      const bytesByPort = reference.bytesByPort();
      const expected = reference.take();
      const { streams: found, ports } = await count(t, delivered, network.isOnEveryCpu ? cpus : undefined);
      assert.deepEqual(withoutPorts(found), withoutPorts(expected));
      assert.deepEqual(ports, bucketsOf(bytesByPort));
      asTheyAre ??= found;
      assert.deepEqual(unordered(found), unordered(asTheyAre), 'the network changes what is counted');
      // A network that sprays nothing would prove nothing.
      const isSprayed = [...bytesByPort.values()].some((ports) => ports.size > 1);
      assert.equal(isSprayed, network.isSprayed);
      late += sumOf(expected, 'psnLate');
    });
  }
  return late;
}

/** Two senders that write 2,000 packets each, of which every hundredth is lost. */
function madeFrames(): Buffer[] {
  const wrapping = 0xfffc00;
  return Array.from({ length: 2000 }, (_, i) => i)
    .filter((i) => i % 100 !== 50)
    .flatMap((i) => [
      V2_IPV4.frame({ opcode: 0x07, destinationQp: QP, sequenceNumber: i }, payloadOf(64)),
      V2_IPV6.frame(
        { opcode: 0x27, destinationQp: QP, sequenceNumber: (wrapping + i) & 0xffffff },
        payloadOf(32),
      ),
    ]);
}

kernelTest('RoCE sprayed over paths: two senders that lose one packet in a hundred', async (t) => {
  assert.ok((await compareNetworks(t, madeFrames())) > 1000, 'hardly any packet came late');
});

kernelTest('RoCE sprayed over paths: captures of real RoCE', async (t) => {
  const folder = findCaptureFolder();
  if (folder === undefined) {
    process.stderr.write(`${NO_CAPTURES}\n`);
    t.skip(NO_CAPTURES);
    return;
  }
  const names = readCaptureNames(folder).filter((name) => name.startsWith('rocev2_'));
  assert.ok(names.length > 0, 'the index names no captures of RoCE');
  let late = 0;
  for (const name of names) {
    const frames = readCapture(folder, name).map(({ bytes }) => bytes);
    await t.test(name, async (t) => {
      late += await compareNetworks(t, frames);
    });
  }
  assert.ok(late > 0, 'no packet of any capture came late');
});
