// SPDX-License-Identifier: Apache-2.0
// A million mutated messages, memories of modules, lists of strings and files: no crash, no hang, and what is refused is
// told apart from what is taken.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeStatNames } from '../../src/kernel/ethtool/ethtool-ioctl.js';
import {
  decodeFec,
  decodeLinkModes,
  decodeModuleData,
  decodePause,
  decodeStandardStats,
} from '../../src/kernel/ethtool/ethtool-messages.js';
import { decodeAnswer } from '../../src/kernel/host-facts/generic-netlink.js';
import { countersAt, placeStrings } from '../../src/nic/known-strings.js';
import { readModule } from '../../src/nic/module-memory.js';
import { fecCounters, pauseCounters, standardCounters } from '../../src/nic/standard-counters.js';
import { parseAer, parseLanes, parseTransferRate } from '../../src/nic/sysfs-facts.js';
import { driverStrings } from '../support/nic/driver-strings.js';
import { attributes, encodeStrings, nest, u8, u32, u64 } from '../support/nic/fake-nic.js';

const ROUNDS = 100_000;
const SEED = 0x5eed;

/** Numbers of mulberry32: the same ones each time. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function mutated(bytes: Buffer, random: (below: number) => number): Buffer {
  const copy = Buffer.from(bytes.subarray(0, random(4) === 0 ? random(bytes.length + 1) : bytes.length));
  for (let i = random(6); i >= 0 && copy.length > 0; i--) copy[random(copy.length)] = random(256);
  return copy;
}

/** With headers of netlink and of the family before it. */
function message(body: Buffer): Buffer {
  const head = Buffer.alloc(20);
  head.writeUInt32LE(head.length + body.length);
  head.writeUInt16LE(28, 4);
  head.writeUInt32LE(7, 8);
  return Buffer.concat([head, body]);
}

interface Tally {
  taken: number;
  refused: number;
}

function fuzz(name: string, seed: Buffer, parse: (bytes: Buffer) => 'taken' | 'refused'): void {
  test(name, () => {
    const random = randomOf(SEED);
    const tally: Tally = { taken: 0, refused: 0 };
    for (let i = 0; i < ROUNDS; i++) tally[parse(mutated(seed, random))]++;
    assert.equal(tally.taken + tally.refused, ROUNDS);
    assert.ok(tally.taken > 0 && tally.refused > 0, JSON.stringify(tally));
  });
}

function fuzzMessage(
  name: string,
  body: Buffer,
  read: (answer: ReadonlyMap<number, Buffer>) => readonly { readonly value: number }[] | undefined,
): void {
  fuzz(name, message(body), (bytes) => {
    const answer = decodeAnswer(bytes, 7);
    const counters = typeof answer === 'number' ? undefined : read(answer);
    for (const { value } of counters ?? []) assert.ok(value >= 0 && Number.isFinite(value));
    return counters === undefined ? 'refused' : 'taken';
  });
}

const HEADER = nest(1, [1, u32(2)], [2, Buffer.from('eth0\0')]);

fuzzMessage('pause', attributes(HEADER, nest(5, [2, u64(21)], [3, u64(34)])), (answer) => {
  const pause = decodePause(answer);
  return pause && pauseCounters(pause);
});
fuzzMessage('FEC', attributes(HEADER, [4, u32(50)], nest(5, [2, u64(10, 4, 6)], [3, u64(3)])), (answer) => {
  const fec = decodeFec(answer);
  return fec && fecCounters(fec);
});
fuzzMessage(
  'link modes',
  attributes(HEADER, [2, u8(1)], [5, u32(1000)], [6, u8(1)], [9, u32(4)]),
  (answer) => {
    const { speedBitsPerSecond = 0 } = decodeLinkModes(answer);
    return [{ value: speedBitsPerSecond }];
  },
);
fuzzMessage(
  'standard groups',
  attributes(nest(4, [2, u32(1)], nest(4, [0, u64(70)]), nest(4, [12, u64(9000)]), nest(5, [7, u32(1)]))),
  (answer) => {
    const stats = decodeStandardStats(answer);
    return stats && standardCounters('mac', stats);
  },
);
fuzzMessage('memory of a module, as a message', attributes(HEADER, [7, Buffer.alloc(128, 0x11)]), (answer) =>
  decodeModuleData(answer, 128) === undefined ? undefined : [],
);

for (const [name, identifier] of [
  ['SFF-8472', 0x03],
  ['SFF-8636', 0x11],
  ['CMIS', 0x18],
] as const) {
  const memory = Buffer.alloc(128, 0x6f);
  memory[0] = identifier;
  memory[2] = 0;
  const random = randomOf(SEED + identifier);
  fuzz(`memory of a module, ${name}`, memory, (lower) => {
    const reading = readModule(({ offset, page }) =>
      offset === 0 && page === 0 ? lower : mutated(memory, random),
    );
    for (const watts of [...(reading?.sentWatts ?? []), ...(reading?.receivedWatts ?? [])]) {
      assert.ok(watts >= 0 && watts < 0.01);
    }
    const celsius = reading?.temperatureCelsius ?? 0;
    assert.ok(Math.abs(celsius) <= 128);
    return reading === undefined ? 'refused' : 'taken';
  });
}

const STRINGS = driverStrings('mlx5_core').filter((_, index) => index % 8 === 0);
fuzz('strings of a driver, and its counts', encodeStrings(STRINGS), (bytes) => {
  const names = decodeStatNames(bytes);
  const places = placeStrings('mlx5_core', names, () => true);
  const counters = countersAt(bytes, places);
  assert.ok(places.known.length + places.raw.length <= names.length);
  for (const { value } of counters) assert.ok(value >= 0 && Number.isFinite(value));
  return names.length === STRINGS.length ? 'taken' : 'refused';
});

fuzz('files of PCIe', Buffer.from('RxErr 2\nBadTLP 0\ndev_cor_errs_bit[5] 3\nTOTAL_ERR_COR 5'), (bytes) => {
  const text = bytes.toString();
  const errors = parseAer(text);
  parseTransferRate(text);
  parseLanes(text);
  for (const value of errors?.values() ?? []) assert.ok(Number.isSafeInteger(value));
  return errors === undefined ? 'refused' : 'taken';
});
