// SPDX-License-Identifier: Apache-2.0
// What the pair table must show, said with Maps: slow, short, and independent of the code under test.
// Where a rule leaves a choice (which newcomers find room), the model accepts what the table chose and
// checks that it was one of the right ones.

import assert from 'node:assert/strict';
import { ROCE_CELLS, ROCE_TRANSPORT, type RoceOverflowRow } from '../../../src/abi/roce-records.js';
import type { RocePairsOptions } from '../../../src/roce/roce-pairs.js';
import type { RocePairsView, RocePairView } from '../../../src/roce/views.js';
import { addressBytes, type StreamSpec } from './roce-rows.js';

interface ModelPair {
  readonly path: string;
  readonly interfaceId: number;
  readonly streams: StreamSpec[];
  seenMs: number;
}
type Sums = Map<string, [packets: number, bytes: number]>;

const isMalformed = (spec: StreamSpec): boolean => spec.transport === 'malformed';
const packetsOf = (spec: StreamSpec): number => spec.packets ?? 1;
const bytesOf = (spec: StreamSpec): number => spec.bytes ?? 100;
const interfaceOf = (spec: StreamSpec): number => spec.interfaceId ?? 0;
const versionOf = (spec: StreamSpec): number => (isMalformed(spec) ? 0 : (spec.version ?? 2));
const queuePairOf = (spec: StreamSpec): number => spec.queuePair ?? (isMalformed(spec) ? 0 : 17);

function add(sums: Sums, key: string, packets: number, bytes: number): void {
  if (packets === 0 && bytes === 0) return;
  const [oldPackets, oldBytes] = sums.get(key) ?? [0, 0];
  sums.set(key, [oldPackets + packets, oldBytes + bytes]);
}

export class PairsModel {
  readonly #options: RocePairsOptions;
  readonly #pairs = new Map<string, ModelPair>();
  /** `interface version` -> handed in; `interface version reason` -> in no pair. */
  readonly #handedIn: Sums = new Map();
  readonly #others: Sums = new Map();
  #elapsedMs = 0;
  #nowMs: number | undefined;

  constructor(options: RocePairsOptions) {
    this.#options = options;
  }

  check(
    view: RocePairsView,
    streams: readonly StreamSpec[],
    overflow: readonly RoceOverflowRow[],
    nowMs: number,
  ): void {
    this.#elapsedMs += Math.max(0, nowMs - (this.#nowMs ?? nowMs));
    this.#nowMs = nowMs;
    for (const { interfaceId, version, packets, bytes } of overflow) {
      add(this.#handedIn, `${interfaceId} ${version}`, packets, bytes);
      add(this.#others, `${interfaceId} ${version} map_full`, packets, bytes);
    }
    const carried = streams.filter(
      // The order of packets that were counted elsewhere may be all that a row has.
      (spec) =>
        packetsOf(spec) > 0 || bytesOf(spec) > 0 || Object.values(spec.cells ?? {}).some((n) => n > 0),
    );
    for (const spec of carried) {
      add(this.#handedIn, `${interfaceOf(spec)} ${versionOf(spec)}`, packetsOf(spec), bytesOf(spec));
    }
    const newcomers = this.#feedKnown(carried);
    this.#expire();
    const shown = new Map(view.pairs.map((pair) => [pairNameOf(pair), pair]));
    this.#admit(newcomers, new Set(shown.keys()));
    this.#comparePairs(shown);
    this.#comparePaths(view, carried);
    this.#compareOthers(view);
    this.#checkBalance(view);
  }

  #pathName(spec: StreamSpec): string {
    const short = (address: readonly number[]): string => {
      const bytes = addressBytes(address);
      const isIpv4 = Buffer.from(bytes.slice(0, 12)).toString('hex') === '00000000000000000000ffff';
      const { ipv4PrefixLength, ipv6PrefixLength } = this.#options;
      const kept = isIpv4 ? 96 + ipv4PrefixLength : ipv6PrefixLength;
      const bits = bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('');
      return bits.slice(0, kept).padEnd(128, '0');
    };
    return `${interfaceOf(spec)} ${short(spec.src ?? [10, 0, 0, 1])} ${short(spec.dst ?? [10, 0, 0, 2])}`;
  }

  #pairName(spec: StreamSpec): string {
    return `${this.#pathName(spec)} ${this.#options.perQueuePair ? queuePairOf(spec) : 0}`;
  }

  #feedKnown(streams: readonly StreamSpec[]): StreamSpec[] {
    return streams.filter((spec) => {
      const pair = this.#pairs.get(this.#pairName(spec));
      if (pair === undefined) return true;
      pair.streams.push(spec);
      pair.seenMs = this.#elapsedMs;
      return false;
    });
  }

  #expire(): void {
    const limitMs = Math.max(this.#options.idleTimeoutMs, 2 * this.#options.intervalMs);
    for (const [name, pair] of this.#pairs) {
      if (this.#elapsedMs - pair.seenMs <= limitMs) continue;
      this.#pairs.delete(name);
      for (const spec of pair.streams) {
        add(this.#others, `${pair.interfaceId} ${versionOf(spec)} expired`, packetsOf(spec), bytesOf(spec));
      }
    }
  }

  #admit(newcomers: readonly StreamSpec[], shown: ReadonlySet<string>): void {
    const names = new Set(newcomers.map((spec) => this.#pairName(spec)));
    const room = this.#options.maxPairs - this.#pairs.size;
    const admitted = [...names].filter((name) => shown.has(name));
    assert.equal(admitted.length, Math.min(room, names.size), 'newcomers that found room');
    for (const spec of newcomers) {
      const name = this.#pairName(spec);
      if (!shown.has(name)) {
        const where = `${interfaceOf(spec)} ${versionOf(spec)} max_pairs`;
        add(this.#others, where, packetsOf(spec), bytesOf(spec));
        continue;
      }
      const pair = this.#pairs.get(name) ?? {
        path: this.#pathName(spec),
        interfaceId: interfaceOf(spec),
        streams: [],
        seenMs: this.#elapsedMs,
      };
      pair.streams.push(spec);
      this.#pairs.set(name, pair);
    }
  }

  #comparePairs(shown: ReadonlyMap<string, RocePairView>): void {
    assert.deepEqual([...shown.keys()].sort(), [...this.#pairs.keys()].sort(), 'pairs');
    for (const [name, { streams }] of this.#pairs) {
      const pair = shown.get(name);
      assert.ok(pair !== undefined);
      assert.deepEqual(factsOf(pair), expectedFacts(streams), name);
      for (let cell = 2; cell < ROCE_CELLS; cell++) {
        const sum = streams.reduce((total, spec) => total + (spec.cells?.[cell] ?? 0), 0);
        assert.equal(pair.cells[cell], sum, `cell ${cell}`);
      }
    }
  }

  #comparePaths(view: RocePairsView, streams: readonly StreamSpec[]): void {
    const facts = view.paths.map((path) => [
      pathNameOf(path.interfaceId, path.addresses),
      path.queuePairs,
      path.sourcePorts,
      path.busiestShare,
    ]);
    const names = new Set([...this.#pairs.values()].map(({ path }) => path));
    const expected = [...names].map((name) => {
      const own = streams.filter(
        (spec) =>
          this.#pathName(spec) === name &&
          !isMalformed(spec) &&
          spec.transport !== 'cnp' &&
          (packetsOf(spec) > 0 || bytesOf(spec) > 0) &&
          queuePairOf(spec) > 1,
      );
      const bytes = new Map<number, number>();
      for (const spec of own) {
        bytes.set(queuePairOf(spec), (bytes.get(queuePairOf(spec)) ?? 0) + bytesOf(spec));
      }
      const all = [...bytes.values()].reduce((sum, one) => sum + one, 0);
      const ports = own.filter((spec) => spec.version !== 1).map((spec) => spec.sourcePort ?? 0);
      const share = all === 0 ? 0 : Math.max(...bytes.values()) / all;
      return [name, bytes.size, new Set(ports).size, share];
    });
    assert.deepEqual(facts.sort(), expected.sort(), 'paths');
  }

  #compareOthers(view: RocePairsView): void {
    const rows = view.others.map(
      (row) => [`${row.interfaceId} ${row.version} ${row.reason}`, [row.packets, row.bytes]] as const,
    );
    assert.deepEqual(new Map(rows), this.#others);
    assert.equal(rows.length, this.#others.size, 'a row twice');
  }

  /** The law, asked of the view alone. */
  #checkBalance(view: RocePairsView): void {
    const sums: Sums = new Map();
    for (const { interfaceId, version, packets, bytes } of view.others) {
      add(sums, `${interfaceId} ${version}`, packets, bytes);
    }
    for (const { path, traffic, malformedPackets, malformedBytes } of view.pairs) {
      for (const { version, packets, bytes } of traffic) {
        add(sums, `${path.interfaceId} ${version}`, packets, bytes);
      }
      add(sums, `${path.interfaceId} 0`, malformedPackets, malformedBytes);
    }
    assert.deepEqual(sums, this.#handedIn, 'balance');
  }
}

function pathNameOf(interfaceId: number, addresses: Uint32Array): string {
  const bytes = Buffer.from(addresses.buffer, addresses.byteOffset, addresses.byteLength);
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return `${interfaceId} ${bits.slice(0, 128)} ${bits.slice(128)}`;
}

export function pairNameOf({ path, queuePair }: RocePairView): string {
  return `${pathNameOf(path.interfaceId, path.addresses)} ${queuePair}`;
}

/** All that a pair tells but its cells, in a form that compares. */
function factsOf(pair: RocePairView) {
  const { malformedPackets, malformedBytes, cnpPackets, cmMessages, fecnPackets, becnPackets } = pair;
  return {
    traffic: Object.fromEntries(
      pair.traffic.map((one) => [
        `v${one.version} ${one.transport} ${one.dscp}`,
        [one.packets, one.bytes, one.payloadBytes],
      ]),
    ),
    psn: Object.fromEntries([...pair.psn].map(([transport, psn]) => [transport, Object.values(psn)])),
    malformed: Object.fromEntries(pair.malformed),
    partitions: Object.fromEntries(pair.partitions),
    sums: [malformedPackets, malformedBytes, cnpPackets, cmMessages, fecnPackets, becnPackets],
  };
}

function expectedFacts(streams: readonly StreamSpec[]): ReturnType<typeof factsOf> {
  const facts: ReturnType<typeof factsOf> = {
    traffic: {},
    psn: {},
    malformed: {},
    partitions: {},
    sums: [0, 0, 0, 0, 0, 0],
  };
  const plus = (numbers: number[] | undefined, more: readonly number[]): number[] =>
    more.map((one, i) => one + (numbers?.[i] ?? 0));
  for (const spec of streams) {
    const packets = packetsOf(spec);
    const cell = (index: number): number => spec.cells?.[index] ?? 0;
    if (isMalformed(spec)) {
      const reason = spec.detail ?? 0;
      facts.malformed[reason] = (facts.malformed[reason] ?? 0) + packets;
      facts.sums = plus(facts.sums, [packets, bytesOf(spec), 0, 0, 0, 0]);
      continue;
    }
    const name = spec.transport ?? 'rc';
    const transport = ROCE_TRANSPORT[name];
    const key = `v${spec.version ?? 2} ${transport} ${spec.dscp ?? 0}`;
    facts.traffic[key] = plus(facts.traffic[key], [packets, bytesOf(spec), cell(2)]);
    if (['rc', 'uc', 'xrc'].includes(name)) {
      facts.psn[transport] = plus(facts.psn[transport], [28, 29, 30, 31, 32, 64, 65, 66, 70, 67].map(cell));
    }
    const pkey = spec.pkey ?? 0xffff;
    if (pkey !== 0xffff) facts.partitions[pkey] = (facts.partitions[pkey] ?? 0) + packets;
    const isCnp = name === 'cnp';
    const isCm = name === 'ud' && queuePairOf(spec) === 1;
    const marks = isCnp ? [0, 0] : [cell(7), cell(8)];
    facts.sums = plus(facts.sums, [0, 0, isCnp ? packets : 0, isCm ? packets : 0, ...marks]);
  }
  return facts;
}
