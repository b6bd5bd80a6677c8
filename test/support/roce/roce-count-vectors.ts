// SPDX-License-Identifier: Apache-2.0
// What frames add to RoCE streams, written out by hand from the InfiniBand specification: they bear
// witness against the reference as well as against the BPF program.

import { ROCE_TRANSPORT } from '../../../src/abi/roce-records.js';
import { payloadOf } from '../frames/frames.js';
import { QP } from '../frames/vector-parts.js';
import {
  CARRIERS,
  over4,
  PAYLOAD,
  type RoceCountVector,
  STREAM4,
  V1,
  V2_IPV4,
  V2_IPV6,
  vector,
} from './roce-count-parts.js';
import type { NamedCells } from './roce-sums.js';

/** A UDP datagram as soft-RoCE and a ConnectX sent it, in hex; so many bytes of payload and ICRC follow. */
function captured(hex: string, restBytes = 0): Buffer {
  const bytes = Buffer.from(hex.replace(/[^0-9a-f]/g, ''), 'hex');
  return over4({ protocol: 17, bytes: Buffer.concat([bytes, payloadOf(restBytes)]) });
}

/** Packets that were seen on a wire. */
const KNOWN: readonly RoceCountVector[] = [
  vector(
    'WRITE first',
    captured('c12112b704280000 0600ffff 00000011 00617de1 0000564bde598000 0000022d 00001000', 1028),
    { ...STREAM4, qp: 0x11, srcPort: 0xc121 },
    { payloadBytes: 1024, writes: 1, writeMessageBytes: 4096, 'writeSizes+3': 1 },
  ),
  vector(
    'acknowledgement',
    captured('c12112b7001c0000 1100ffff 00000011 00617de4 1f000001 9787eaac'),
    { ...STREAM4, qp: 0x11, srcPort: 0xc121, detail: 1 },
    { acks: 1 },
  ),
  vector(
    'NAK, PSN sequence error',
    captured('c27112b7001c0000 1100ffff 00000019 00851740 60000002 65af55b5'),
    { ...STREAM4, qp: 0x19, srcPort: 0xc271, detail: 1 },
    { naks: 1 },
  ),
  vector(
    'UD SEND',
    captured('e8ea12b704200000 6400ffff 00000014 00e8f40c 11111111 00000014', 1028),
    { ...STREAM4, qp: 0x14, srcPort: 0xe8ea, transport: ROCE_TRANSPORT.ud },
    { payloadBytes: 1024, sends: 1 },
  ),
  vector(
    'CNP',
    captured('c00012b700280000 8100ffff 400000d2 00000000 00000000000000000000000000000000 e42dad81'),
    { ...STREAM4, qp: 0xd2, transport: ROCE_TRANSPORT.cnp },
    { becn: 1 },
  ),
];

/** By opcode: transport, request (0) or response (1), bytes of extended headers, cells beside payload. */
type OpcodeRow = readonly [
  opcode: number,
  transport: number,
  response: 0 | 1,
  extended: number,
  cells: NamedCells,
];

const { rc, uc, rd, ud, xrc, vendor } = ROCE_TRANSPORT;
const WRITE: NamedCells = { writes: 1, writeMessageBytes: 4096, 'writeSizes+3': 1 };
const READ: NamedCells = { reads: 1, readMessageBytes: 4096, 'readSizes+3': 1 };
const SEND: NamedCells = { sends: 1 };

const OPCODES: readonly OpcodeRow[] = [
  [0x00, rc, 0, 0, SEND],
  [0x01, rc, 0, 0, {}],
  [0x02, rc, 0, 0, {}],
  [0x03, rc, 0, 4, {}],
  [0x04, rc, 0, 0, SEND],
  [0x05, rc, 0, 4, SEND],
  [0x06, rc, 0, 16, WRITE],
  [0x07, rc, 0, 0, {}],
  [0x08, rc, 0, 0, {}],
  [0x09, rc, 0, 4, {}],
  [0x0a, rc, 0, 16, WRITE],
  [0x0b, rc, 0, 20, WRITE],
  [0x0c, rc, 0, 16, READ],
  [0x0d, rc, 1, 4, {}],
  [0x0e, rc, 1, 0, {}],
  [0x0f, rc, 1, 4, {}],
  [0x10, rc, 1, 4, {}],
  [0x11, rc, 1, 4, { acks: 1 }],
  [0x12, rc, 1, 12, {}],
  [0x13, rc, 0, 28, { compareSwaps: 1 }],
  [0x14, rc, 0, 28, { fetchAdds: 1 }],
  [0x16, rc, 0, 4, {}],
  [0x17, rc, 0, 4, SEND],
  [0x1c, rc, 0, 20, { flushes: 1 }],
  [0x1d, rc, 0, 16, { atomicWrites: 1 }],
  [0x20, uc, 0, 0, SEND],
  [0x23, uc, 0, 4, {}],
  [0x26, uc, 0, 16, WRITE],
  [0x27, uc, 0, 0, {}],
  [0x2b, uc, 0, 20, WRITE],
  [0x40, rd, 0, 12, SEND],
  [0x46, rd, 0, 28, WRITE],
  [0x4c, rd, 0, 28, READ],
  [0x4d, rd, 1, 8, {}],
  [0x4e, rd, 1, 4, {}],
  [0x51, rd, 1, 8, { acks: 1 }],
  [0x52, rd, 1, 16, {}],
  [0x53, rd, 0, 40, { compareSwaps: 1 }],
  [0x55, rd, 0, 12, {}], // RESYNC
  [0x64, ud, 0, 8, SEND],
  [0x65, ud, 0, 12, SEND],
  [0xa0, xrc, 0, 4, SEND],
  [0xa5, xrc, 0, 8, SEND],
  [0xa6, xrc, 0, 20, WRITE],
  [0xab, xrc, 0, 24, WRITE],
  [0xac, xrc, 0, 20, READ],
  [0xad, xrc, 1, 4, {}],
  [0xae, xrc, 1, 0, {}],
  [0xb1, xrc, 1, 4, { acks: 1 }],
  [0xb2, xrc, 1, 12, {}],
  [0xb4, xrc, 0, 32, { fetchAdds: 1 }],
  [0xb6, xrc, 0, 8, {}],
  [0xb7, xrc, 0, 8, SEND],
  // Whatever follows a vendor's BTH is counted as nothing.
  [0xc0, vendor, 0, 0, { payloadBytes: 0 }],
  [0xcc, vendor, 0, 0, { payloadBytes: 0 }],
  [0xd1, vendor, 0, 0, { payloadBytes: 0 }],
  [0xe4, vendor, 0, 0, { payloadBytes: 0 }],
  [0xff, vendor, 0, 0, { payloadBytes: 0 }],
];

const BY_OPCODE: readonly RoceCountVector[] = CARRIERS.flatMap((carrier) =>
  OPCODES.map(([opcode, transport, detail, extended, cells]) => {
    const bytes = carrier.headerBytes + 12 + extended + 100 + 4;
    return vector(
      `opcode 0x${opcode.toString(16)}, ${carrier.name}`,
      carrier.frame({ opcode, destinationQp: QP }, PAYLOAD),
      { ...carrier.key, transport, detail },
      { bytes, payloadBytes: 100, ...cells },
    );
  }),
);

/** The IBTA's table of RNR NAK timer codes, in ms. */
const RNR_MS: readonly number[] = [
  655.36, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.12, 0.16, 0.24, 0.32, 0.48, 0.64, 0.96, 1.28, 1.92, 2.56,
  3.84, 5.12, 7.68, 10.24, 15.36, 20.48, 30.72, 40.96, 61.44, 81.92, 122.88, 163.84, 245.76, 327.68, 491.52,
];

function syndromeCells(syndrome: number): NamedCells {
  if (syndrome < 0x20) return { acks: 1 };
  if (syndrome < 0x40) return { rnrNaks: 1, rnrDelay10us: Math.round((RNR_MS[syndrome - 0x20] ?? 0) * 100) };
  const reasons = ['naks', 'naks+1', 'naks+2', 'naks+3', 'naks+4'];
  return { [reasons[syndrome - 0x60] ?? 'naks+5']: 1 };
}

const SYNDROMES: readonly RoceCountVector[] = Array.from({ length: 256 }, (_, syndrome) =>
  [
    { carrier: V2_IPV4, opcode: 0x11, transport: rc },
    { carrier: V1, opcode: 0x51, transport: rd },
    { carrier: V2_IPV6, opcode: 0xb1, transport: xrc },
  ].map(({ carrier, opcode, transport }) =>
    vector(
      `syndrome 0x${syndrome.toString(16)} of opcode 0x${opcode.toString(16)}`,
      carrier.frame({ opcode, destinationQp: QP, extended: { syndrome } }),
      { ...carrier.key, transport, detail: 1 },
      syndromeCells(syndrome),
    ),
  ),
).flat();

/** The AETH of anything else says nothing of acknowledgements. */
const OTHER_SYNDROMES: readonly RoceCountVector[] = [0x0d, 0x0f, 0x10, 0x12].map((opcode) =>
  vector(
    `syndrome of opcode 0x${opcode.toString(16)}`,
    V2_IPV4.frame({ opcode, destinationQp: QP, extended: { syndrome: 0x60 } }),
    { ...STREAM4, detail: 1 },
    {},
  ),
);

/** Bytes, and the cell they belong to: 64 x 4^n. */
const BOUNDS: readonly number[] = [
  64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864, 268_435_456,
  1_073_741_824,
];

const SIZES: readonly RoceCountVector[] = [
  ...BOUNDS.flatMap((bound, n) => [
    [bound, n],
    [bound + 1, n + 1],
  ]),
  [0, 0],
  [1, 0],
  [0xffffffff, 13],
].flatMap(([bytes = 0, n = 0]) => {
  const cell = (group: string): string => (n === 0 ? group : `${group}+${n}`);
  const write: NamedCells = { writes: 1, writeMessageBytes: bytes, [cell('writeSizes')]: 1 };
  const read: NamedCells = { reads: 1, readMessageBytes: bytes, [cell('readSizes')]: 1 };
  const of = (opcode: number, transport: number, cells: NamedCells): RoceCountVector =>
    vector(
      `a message of ${bytes} bytes, opcode 0x${opcode.toString(16)}`,
      V2_IPV4.frame({ opcode, destinationQp: QP, extended: { dmaLengthBytes: bytes } }),
      { ...STREAM4, transport },
      cells,
    );
  return [of(0x0a, rc, write), of(0x0c, rc, read), of(0xa6, xrc, write), of(0x2b, uc, write)];
});

const TRAFFIC_CLASSES: readonly RoceCountVector[] = [V2_IPV4, V2_IPV6, V1].flatMap((carrier) =>
  Array.from({ length: 256 }, (_, trafficClass) => {
    const codepoint = ['ecn', 'ecn+1', 'ecn+2', 'ecn+3'][trafficClass % 4] ?? '';
    return vector(
      `traffic class ${trafficClass}, ${carrier.name}`,
      carrier.frame({ opcode: 0x01, destinationQp: QP }, PAYLOAD, trafficClass),
      { ...carrier.key, dscp: Math.floor(trafficClass / 4) },
      { payloadBytes: 100, ecn: 0, [codepoint]: 1 },
    );
  }),
);

const FIELDS: readonly RoceCountVector[] = [V2_IPV4, V1].flatMap((carrier) => {
  const fields = { opcode: 0x01, destinationQp: QP };
  const of = (name: string, more: object, cells: NamedCells, key: object = {}): RoceCountVector =>
    vector(
      `${name}, ${carrier.name}`,
      carrier.frame({ ...fields, ...more }, PAYLOAD),
      { ...carrier.key, ...key },
      { payloadBytes: 100, ...cells },
    );
  return [
    of('solicited event', { solicitedEvent: true }, { solicited: 1 }),
    of('FECN', { forwardCongestion: true }, { fecn: 1 }),
    of('BECN', { backwardCongestion: true }, { becn: 1 }),
    of('acknowledge request', { acknowledgeRequest: true }, { ackRequest: 1 }),
    of('partition key', { partitionKey: 0x8123 }, {}, { pkey: 0x8123 }),
    of('queue pair 0', { destinationQp: 0 }, {}, { qp: 0 }),
    of('the last queue pair', { destinationQp: 0xffffff }, {}, { qp: 0xffffff }),
    of('the last PSN', { sequenceNumber: 0xffffff }, {}),
  ];
});

/** Payload is what the message holds: padding to 4 bytes is not of it. */
const PADDING: readonly RoceCountVector[] = [V2_IPV4, V2_IPV6, V1].flatMap((carrier) =>
  [0, 1, 2, 3, 4, 5, 97, 98, 99].map((bytes) =>
    vector(
      `${bytes} bytes of payload, ${carrier.name}`,
      carrier.frame({ opcode: 0x04, destinationQp: QP }, payloadOf(bytes)),
      carrier.key,
      { sends: 1, payloadBytes: bytes },
    ),
  ),
);

/** By what they are about. */
export const ROCE_COUNT_VECTORS: Readonly<Record<string, readonly RoceCountVector[]>> = {
  'packets seen on a wire': KNOWN,
  'opcodes, on every carrier': BY_OPCODE,
  'AETH syndromes': [...SYNDROMES, ...OTHER_SYNDROMES],
  'message sizes': SIZES,
  'DSCP and ECN': TRAFFIC_CLASSES,
  'fields of the BTH': FIELDS,
  padding: PADDING,
};
