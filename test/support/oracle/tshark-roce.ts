// SPDX-License-Identifier: Apache-2.0
// RoCE in a capture file as tshark dissects it, frame by frame: what each must add to its stream, but
// for the order of PSNs. Uses tshark's own names of opcodes' headers, and nothing of our decoders.

import { execFileSync, spawnSync } from 'node:child_process';
import { ROCE_CELL } from '../../../src/abi/roce-records.js';
import { canonicalAddress } from '../frames/addresses.js';
import type { RoceReading } from './reference-roce.js';

const FIELDS = [
  'frame.cap_len',
  'ip.src',
  'ip.dst',
  'ip.dsfield.dscp',
  'ip.dsfield.ecn',
  'udp.srcport',
  'udp.length',
  'infiniband.bth.opcode',
  'infiniband.bth.se',
  'infiniband.bth.padcnt',
  'infiniband.bth.p_key',
  'infiniband.bth.destqp',
  'infiniband.bth.a',
  'infiniband.bth.psn',
  'infiniband.aeth.syndrome.opcode',
  'infiniband.aeth.syndrome.error_code',
  'infiniband.aeth.syndrome.timer',
  'infiniband.reth.dmalen',
  // Presence of headers.
  'infiniband.reth',
  'infiniband.aeth',
  'infiniband.deth',
  'infiniband.immdt',
  'infiniband.ieth',
  'infiniband.atomiceth',
  'infiniband.atomicacketh',
] as const;
type Field = (typeof FIELDS)[number];

/** Bytes of the headers that tshark names. */
const HEADER_BYTES: Partial<Record<Field, number>> = {
  'infiniband.reth': 16,
  'infiniband.aeth': 4,
  'infiniband.deth': 8,
  'infiniband.immdt': 4,
  'infiniband.ieth': 4,
  'infiniband.atomiceth': 28,
  'infiniband.atomicacketh': 8,
};

/** By tshark's opcode, for the transports that soft-RoCE speaks: RC, UC and UD. */
const SENDS: readonly number[] = [0x00, 0x04, 0x05, 0x17, 0x20, 0x24, 0x25, 0x64, 0x65];
const WRITES: readonly number[] = [0x06, 0x0a, 0x0b, 0x26, 0x2a, 0x2b];
const READ_REQUEST = 0x0c;
const ACKNOWLEDGE = 0x11;
const SIZE_BOUNDS: readonly number[] = Array.from({ length: 13 }, (_, n) => 64 * 2 ** (2 * n));

export const haveTshark = (): boolean => spawnSync('tshark', ['--version']).status === 0;

export interface DissectedFrame {
  /** Undefined where tshark sees no BTH behind UDP. */
  readonly opcode: number | undefined;
  readonly reading: RoceReading | undefined;
}

/** Every frame of a capture file, in order. */
export function dissectRoce(file: string): DissectedFrame[] {
  const output = execFileSync(
    'tshark',
    ['-r', file, '-T', 'fields', '-E', 'occurrence=f', ...FIELDS.flatMap((name) => ['-e', name])],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 64 * 1024 * 1024 },
  );
  return output.replace(/\n$/, '').split('\n').map(dissect);
}

function dissect(row: string): DissectedFrame {
  const values = row.split('\t');
  const text = (field: Field): string => values[FIELDS.indexOf(field)] ?? '';
  const number = (field: Field): number => Number(text(field) === '' ? Number.NaN : text(field));
  if (text('infiniband.bth.opcode') === '') return { opcode: undefined, reading: undefined };
  const opcode = number('infiniband.bth.opcode');
  const headers = Object.entries(HEADER_BYTES) as [Field, number][];
  const headerBytes = headers.reduce((sum, [field, bytes]) => sum + (text(field) === '' ? 0 : bytes), 0);
  const cells = new Map<number, number>([
    [ROCE_CELL.packets, 1],
    [ROCE_CELL.bytes, number('frame.cap_len')],
    [ROCE_CELL.port, 65_536 + number('udp.srcport')],
    [
      ROCE_CELL.payloadBytes,
      number('udp.length') - 8 - 12 - headerBytes - number('infiniband.bth.padcnt') - 4,
    ],
    [ROCE_CELL.ecn + number('ip.dsfield.ecn'), 1],
    [ROCE_CELL.solicited, flag(text('infiniband.bth.se'))],
    [ROCE_CELL.ackRequest, flag(text('infiniband.bth.a'))],
  ]);
  if (SENDS.includes(opcode)) cells.set(ROCE_CELL.sends, 1);
  if (opcode === 0x13) cells.set(ROCE_CELL.compareSwaps, 1);
  if (opcode === 0x14) cells.set(ROCE_CELL.fetchAdds, 1);
  if (WRITES.includes(opcode) || opcode === READ_REQUEST) {
    const bytes = number('infiniband.reth.dmalen');
    const above = SIZE_BOUNDS.filter((bound) => bytes > bound).length;
    const [count, sum, sizes] =
      opcode === READ_REQUEST
        ? [ROCE_CELL.reads, ROCE_CELL.readMessageBytes, ROCE_CELL.readSizes]
        : [ROCE_CELL.writes, ROCE_CELL.writeMessageBytes, ROCE_CELL.writeSizes];
    cells
      .set(count, 1)
      .set(sum, bytes)
      .set(sizes + above, 1);
  }
  if (opcode === ACKNOWLEDGE) {
    const kind = number('infiniband.aeth.syndrome.opcode');
    if (kind === 0) cells.set(ROCE_CELL.acks, 1);
    else if (kind === 3) cells.set(ROCE_CELL.naks + number('infiniband.aeth.syndrome.error_code'), 1);
    else throw new RangeError(`a syndrome of kind ${kind}: extend this file`);
  }
  const key = {
    srcIp: canonicalAddress(`::ffff:${text('ip.src')}`),
    dstIp: canonicalAddress(`::ffff:${text('ip.dst')}`),
    qp: number('infiniband.bth.destqp'),
    pkey: number('infiniband.bth.p_key'),
    version: 2,
    transport: Math.floor(opcode / 32),
    dscp: number('ip.dsfield.dscp'),
    detail: opcode >= 0x0d && opcode <= 0x12 ? 1 : 0,
  };
  return { opcode, reading: { key, cells } };
}

function flag(text: string): number {
  return text === '1' || text === 'True' ? 1 : 0;
}
