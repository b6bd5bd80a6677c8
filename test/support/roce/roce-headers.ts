// SPDX-License-Identifier: Apache-2.0
// Extended transport headers of RoCE for tests: which opcode carries which, spelled out by hand so that
// it can bear witness against the parsers, and their bytes. No byte of them is 0 without need: a header
// looked for in the wrong place is then found wrong.

/** What the extended headers hold; everything else in them is fixed. */
export interface ExtendedFields {
  /** RETH: bytes of the whole message. Default 4096. */
  readonly dmaLengthBytes?: number;
  /** AETH: acknowledgement and credits, or what went wrong. Default 0x1f, an acknowledgement. */
  readonly syndrome?: number;
}

/** InfiniBand specification volume 1, chapter 9; FETH of its memory placement extensions. */
type HeaderName =
  | 'aeth'
  | 'atomic'
  | 'atomicAck'
  | 'deth'
  | 'feth'
  | 'immediate'
  | 'invalidate'
  | 'rdeth'
  | 'reserved'
  | 'reth'
  | 'xrceth';

const FIXED: Readonly<Record<Exclude<HeaderName, 'reth' | 'aeth'>, Buffer>> = {
  atomic: Buffer.from('1122334455667788a1a2a3a40102030405060708f1f2f3f4f5f6f7f8', 'hex'), // 28 bytes
  atomicAck: Buffer.from('2122232425262728', 'hex'),
  deth: Buffer.from('1111111100000014', 'hex'), // queue key, source queue pair
  feth: Buffer.from('00000013', 'hex'),
  immediate: Buffer.from('deadbeef', 'hex'),
  invalidate: Buffer.from('c0ffee01', 'hex'),
  rdeth: Buffer.from('00654321', 'hex'), // end-to-end context
  reserved: Buffer.alloc(16),
  xrceth: Buffer.from('00abcdef', 'hex'), // shared receive queue
};

/** Of a reliable connection, in the order on the wire. */
const RELIABLE: ReadonlyMap<number, readonly HeaderName[]> = new Map<number, readonly HeaderName[]>([
  [0x00, []], // SEND first, middle, last, last with immediate, only, only with immediate
  [0x01, []],
  [0x02, []],
  [0x03, ['immediate']],
  [0x04, []],
  [0x05, ['immediate']],
  [0x06, ['reth']], // RDMA WRITE, likewise
  [0x07, []],
  [0x08, []],
  [0x09, ['immediate']],
  [0x0a, ['reth']],
  [0x0b, ['reth', 'immediate']],
  [0x0c, ['reth']], // RDMA READ request
  [0x0d, ['aeth']], // RDMA READ response first, middle, last, only
  [0x0e, []],
  [0x0f, ['aeth']],
  [0x10, ['aeth']],
  [0x11, ['aeth']], // acknowledge
  [0x12, ['aeth', 'atomicAck']],
  [0x13, ['atomic']], // compare and swap
  [0x14, ['atomic']], // fetch and add
  [0x16, ['invalidate']], // SEND last, only with invalidate
  [0x17, ['invalidate']],
  [0x1c, ['feth', 'reth']], // FLUSH
  [0x1d, ['reth']], // ATOMIC WRITE
]);

/** READ responses, ACKNOWLEDGE, ATOMIC ACKNOWLEDGE. */
const RESPONSES: readonly number[] = [0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12];

/** Every opcode that is assigned, with its extended headers. */
export const EXTENDED_HEADERS: ReadonlyMap<number, readonly HeaderName[]> = new Map<
  number,
  readonly HeaderName[]
>([
  ...RELIABLE,
  ...opcodes(0x20, 0x2b, () => []), // unreliable connection: nothing that is answered
  // Reliable datagram: RDETH always, DETH on requests; 0x55 is RESYNC.
  ...opcodes(0x40, 0x55, (operation) => (RESPONSES.includes(operation) ? ['rdeth'] : ['rdeth', 'deth'])),
  [0x64, ['deth']], // unreliable datagram: SEND only, and with immediate
  [0x65, ['deth', 'immediate']],
  [0x81, ['reserved']], // congestion notification
  // Extended reliable connection: XRCETH on requests.
  ...opcodes(0xa0, 0xb4, (operation) => (RESPONSES.includes(operation) ? [] : ['xrceth'])),
  ...opcodes(0xb6, 0xb7, () => ['xrceth']),
  ...opcodes(0xc0, 0xff, () => [], false), // vendors'
]);

/** The bytes between BTH and payload; none for an opcode that is not assigned. */
export function extendedHeaders(opcode: number, fields: ExtendedFields = {}): Buffer {
  return Buffer.concat((EXTENDED_HEADERS.get(opcode) ?? []).map((name) => header(name, fields)));
}

function header(name: HeaderName, { dmaLengthBytes = 4096, syndrome = 0x1f }: ExtendedFields): Buffer {
  switch (name) {
    case 'reth': {
      const bytes = Buffer.from('7f01020304050607abcdef0100000000', 'hex'); // address, remote key, length
      bytes.writeUInt32BE(dmaLengthBytes, 12);
      return bytes;
    }
    case 'aeth':
      return Buffer.from([syndrome, 0x0a, 0x0b, 0x0c]); // message sequence number
    default:
      return FIXED[name];
  }
}

/** From the first to the last: a transport's own headers, and those of the same reliable operation. */
function opcodes(
  first: number,
  last: number,
  own: (operation: number) => readonly HeaderName[],
  likeReliable = true,
): [number, readonly HeaderName[]][] {
  return Array.from({ length: last - first + 1 }, (_, i) => {
    const operation = (first + i) & 0x1f;
    return [first + i, [...own(operation), ...(likeReliable ? (RELIABLE.get(operation) ?? []) : [])]];
  });
}
