// SPDX-License-Identifier: Apache-2.0
// What the flow accounts must show, said with Maps and sorts: slow, short, and independent of the
// code under test. Where a rule leaves a choice (flows of the same size), the model accepts what
// the accounts chose and checks that it was one of the right ones.

import assert from 'node:assert/strict';
import { KIND } from '../../../src/abi/kinds.js';
import { FLOW_ROW_WORDS, type OverflowRow } from '../../../src/abi/records.js';
import type { FlowAccounts } from '../../../src/flows/flow-accounts.js';
import type { BookRow, IntervalSummary } from '../../../src/flows/views.js';
import { keyBytes, keyName, type TestRow, testLabel } from './rows.js';

interface Count {
  packets: number;
  bytes: number;
}
interface Holder extends Count {
  readonly book: string;
  intervalPackets: number;
  intervalBytes: number;
  seenMs: number;
}
export interface ModelOptions {
  readonly maxSeries: number;
  readonly maxNewSeriesPerMinute: number;
  readonly idleTimeoutMs: number;
  readonly intervalMs: number;
  keep(row: TestRow): boolean;
}

export class AccountsModel {
  readonly #options: ModelOptions;
  readonly #holders = new Map<string, Holder>();
  /** `interface kind` -> carried; `interface kind reason` -> other; `interface reason` -> frames. */
  readonly #carried = new Map<string, Count>();
  readonly #others = new Map<string, Count>();
  readonly #frames = new Map<string, Count>();
  /** All that flows carried while they had a series or waited for one. */
  readonly #history = new Map<string, { bytes: number; ms: number }[]>();
  readonly #halfLifeMs: number;
  /** Series that may still begin in the place of others. */
  #affordable: number;
  #elapsedMs = 0;
  #nowMs: number | undefined;

  constructor(options: ModelOptions) {
    this.#options = options;
    this.#halfLifeMs = Math.max(options.idleTimeoutMs, 2 * options.intervalMs) / 4;
    this.#affordable = this.#mostAffordable;
  }

  get #mostAffordable(): number {
    const { maxNewSeriesPerMinute } = this.#options;
    return maxNewSeriesPerMinute === 0 ? 0 : Math.max(1, maxNewSeriesPerMinute / 2);
  }

  /** `series`: names of the keys that hold a series after the refresh; `ended`: hook calls. */
  check(
    accounts: FlowAccounts,
    rows: readonly TestRow[],
    overflow: readonly OverflowRow[],
    nowMs: number,
    summary: IntervalSummary,
    ended: readonly string[],
  ): void {
    const stepMs = Math.max(0, nowMs - (this.#nowMs ?? nowMs - this.#options.intervalMs));
    this.#elapsedMs += stepMs;
    this.#nowMs = nowMs;
    const earned = (this.#options.maxNewSeriesPerMinute / 2) * (stepMs / 60_000);
    this.#affordable = Math.min(this.#mostAffordable, this.#affordable + earned);
    for (const row of overflow) {
      const book = `${row.interfaceId} ${row.kind}`;
      if (hasFlow(row.kind)) this.#unshown(book, 'map_full', row);
      else this.#withoutFlow(book, row.kind, `${row.interfaceId} ${row.frameReason}`, row);
    }
    const flows = this.#mergeRows(rows);
    const expired = this.#settleHolders(flows);
    const newcomers = [...flows].filter(([name]) => !this.#holders.has(name));
    const { admitted, displaced } = this.#admit(newcomers, namesOf(accounts));
    assert.deepEqual([...ended].sort(), [...expired, ...displaced].sort(), 'series that ended');
    assert.deepEqual(summary, {
      rows: rows.length,
      wantedShare: this.#wantedShare(rows),
      flows: flows.size,
      newcomers: newcomers.length,
      admitted,
      ended: { expired: expired.length, max_series: displaced.length, reloaded: 0 },
      series: this.#holders.size,
    });
    this.#compare(accounts);
  }

  #wantedShare(rows: readonly TestRow[]): number {
    const some = rows.filter(
      (row) => hasFlow(row.kind) && ((row.packets ?? 1) > 0 || (row.bytes ?? 100) > 0),
    );
    const unwanted = some.filter((row) => !this.#options.keep(row)).length;
    return some.length === 0 ? 1 : 1 - unwanted / some.length;
  }

  #mergeRows(rows: readonly TestRow[]): Map<string, Count & { book: string }> {
    const flows = new Map<string, Count & { book: string }>();
    for (const row of rows) {
      const count = { packets: row.packets ?? 1, bytes: row.bytes ?? 100 };
      if (count.packets === 0 && count.bytes === 0) continue;
      const book = `${row.interfaceId ?? 1} ${row.kind}`;
      if (!hasFlow(row.kind)) {
        this.#withoutFlow(book, row.kind, `${row.interfaceId ?? 1} ${row.protocol ?? 0}`, count);
      } else if (!this.#options.keep(row)) {
        this.#unshown(book, 'filtered', count);
      } else {
        const name = Buffer.from(keyBytes(row)).toString('hex');
        const flow = flows.get(name) ?? { packets: 0, bytes: 0, book };
        flow.packets += count.packets;
        flow.bytes += count.bytes;
        flows.set(name, flow);
        add(this.#carried, book, count);
      }
    }
    for (const [name, { bytes }] of flows) {
      this.#history.set(name, [...(this.#history.get(name) ?? []), { bytes, ms: this.#elapsedMs }]);
    }
    return flows;
  }

  #settleHolders(flows: ReadonlyMap<string, Count>): string[] {
    const { idleTimeoutMs, intervalMs } = this.#options;
    const expired: string[] = [];
    for (const [name, holder] of this.#holders) {
      const flow = flows.get(name);
      holder.intervalPackets = flow?.packets ?? 0;
      holder.intervalBytes = flow?.bytes ?? 0;
      holder.packets += holder.intervalPackets;
      holder.bytes += holder.intervalBytes;
      if (flow !== undefined) holder.seenMs = this.#elapsedMs;
      else if (this.#elapsedMs - holder.seenMs > Math.max(idleTimeoutMs, 2 * intervalMs)) expired.push(name);
    }
    for (const name of expired) {
      this.#end(name, 'expired');
      this.#history.delete(name);
    }
    return expired;
  }

  /**
   * Who may win: as many as there is room, the largest first; then whoever is larger than a holder can
   * stand, as long as the budget lasts. What flows carried is kept packet by packet, and halved by its age.
   */
  #admit(newcomers: readonly [string, Count & { book: string }][], after: ReadonlySet<string>) {
    const room = this.#options.maxSeries - this.#holders.size;
    const won = newcomers.filter(([name]) => after.has(name));
    const lost = newcomers.filter(([name]) => !after.has(name));
    const displaced = [...this.#holders.keys()].filter((name) => !after.has(name));
    const kept = [...this.#holders.keys()].filter((name) => after.has(name));
    const winners = won.map(([name]) => this.#carriedLately(name)).sort((a, b) => b - a);
    const greatestLoser = Math.max(...lost.map(([name]) => this.#carriedLately(name)));
    const beaten = displaced.map((name) => this.#standsAgainst(name)).sort((a, b) => a - b);
    const smallestKept = Math.min(...kept.map((name) => this.#standsAgainst(name)));

    assert.equal(won.length, Math.min(newcomers.length, room) + displaced.length, 'room and what was taken');
    if (lost.length > 0) assert.ok(atLeast(winners.at(-1) ?? Infinity, greatestLoser), 'the largest win');
    if (displaced.length > 0) assert.ok(atLeast(smallestKept, beaten.at(-1) ?? 0), 'the smallest give way');
    // The largest winners found room; each of the others beat the next smallest holder.
    beaten.forEach((bytes, i) => {
      assert.ok(atLeast(winners[room + i] ?? 0, bytes), `${winners[room + i]} took the series of ${bytes}`);
    });
    const affordable = Math.floor(this.#affordable + 1e-9);
    assert.ok(displaced.length <= affordable, `${displaced.length} displaced, ${affordable} affordable`);
    if (lost.length > 0 && displaced.length < affordable) {
      assert.ok(atLeast(smallestKept, greatestLoser), `${greatestLoser} did not take ${smallestKept}`);
    }
    this.#affordable -= displaced.length;
    for (const name of displaced) this.#end(name, 'max_series');
    for (const [name, flow] of newcomers) {
      if (!after.has(name)) add(this.#others, `${flow.book} max_series`, flow);
      else {
        const interval = { intervalPackets: flow.packets, intervalBytes: flow.bytes };
        this.#holders.set(name, { ...flow, ...interval, seenMs: this.#elapsedMs });
      }
    }
    return { admitted: won.length, displaced };
  }

  /** Bytes of the flow, each time's halved once for every half-life that has passed since, as of `atMs`. */
  #carriedLately(name: string, atMs = this.#elapsedMs): number {
    let sum = 0;
    for (const { bytes, ms } of this.#history.get(name) ?? [])
      sum += bytes * 0.5 ** ((atMs - ms) / this.#halfLifeMs);
    return sum;
  }

  /** More than this takes the holder's series: twice what it carried lately, or all of it as it fell silent. */
  #standsAgainst(name: string): number {
    const seenMs = this.#holders.get(name)?.seenMs ?? Number.NaN;
    return Math.max(2 * this.#carriedLately(name), this.#carriedLately(name, seenMs));
  }

  #end(name: string, reason: string): void {
    const holder = this.#holders.get(name);
    assert.ok(holder !== undefined);
    this.#holders.delete(name);
    add(this.#others, `${holder.book} ${reason}`, holder);
  }

  #withoutFlow(book: string, kind: number, frame: string, count: Count): void {
    if (count.packets === 0 && count.bytes === 0) return;
    this.#unshown(book, kind === KIND.nonIp ? 'non_ip' : 'malformed', count);
    add(this.#frames, frame, count);
  }

  #unshown(book: string, reason: string, count: Count): void {
    if (count.packets === 0 && count.bytes === 0) return;
    add(this.#carried, book, count);
    add(this.#others, `${book} ${reason}`, count);
  }

  #compare(accounts: FlowAccounts): void {
    const { series, books } = accounts;
    assert.ok(series.count <= this.#options.maxSeries);
    const shown = new Map<string, Omit<Holder, 'seenMs' | 'book'>>();
    for (const row of series.inUse.subarray(0, series.count)) {
      const name = keyName(series.keys, row * FLOW_ROW_WORDS);
      assert.ok(!shown.has(name), `two series for ${name}`);
      shown.set(name, {
        packets: series.totalPackets[row] ?? Number.NaN,
        bytes: series.totalBytes[row] ?? Number.NaN,
        intervalPackets: series.intervalPackets[row] ?? Number.NaN,
        intervalBytes: series.intervalBytes[row] ?? Number.NaN,
      });
      assert.equal(labelOf(accounts, row), testLabel(name));
    }
    const expected = [...this.#holders].map(
      ([name, { seenMs: _, book: __, ...rest }]) => [name, rest] as const,
    );
    assert.deepEqual(shown, new Map(expected));
    assert.deepEqual(
      table(books.interfaces, (row) => `${row.interfaceId} ${row.kind}`),
      this.#carried,
    );
    assert.deepEqual(
      table(books.others, (row) => `${row.interfaceId} ${row.kind} ${row.reason}`),
      this.#others,
    );
    assert.deepEqual(
      table(books.frameReasons, (row) => `${row.interfaceId} ${row.reason}`),
      this.#frames,
    );
  }
}

/** Not less, but for the rounding of two ways to compute the same. */
function atLeast(a: number, b: number): boolean {
  return a >= b * (1 - 1e-9);
}

/**
 * The equations: for every interface and kind, what was carried is what the series count and what stands
 * under other; and it is what the series show, what is pending and what stands under other. Asked of the
 * views alone.
 */
export function assertBalanced({ series, books }: FlowAccounts): void {
  const carried = table(books.interfaces, (row) => `${row.interfaceId} ${row.kind}`);
  const { totalPackets, totalBytes, shownPackets, shownBytes } = series;
  const sums = (packets: Float64Array, bytes: Float64Array, further: readonly BookRow[]) => {
    const sum = new Map<string, Count>();
    for (const row of [...books.others, ...further]) add(sum, `${row.interfaceId} ${row.kind}`, row);
    for (const row of series.inUse.subarray(0, series.count)) {
      const key = Buffer.from(keyName(series.keys, row * FLOW_ROW_WORDS), 'hex');
      const count = { packets: packets[row] ?? Number.NaN, bytes: bytes[row] ?? Number.NaN };
      add(sum, `${key.readUIntLE(36, 3)} ${key.readUInt8(41)}`, count);
    }
    return sum;
  };
  // Books that have begun anew keep rows at 0.
  const booked = withoutZeros(carried);
  assert.deepEqual(withoutZeros(sums(totalPackets, totalBytes, [])), booked);
  assert.deepEqual(withoutZeros(sums(shownPackets, shownBytes, books.pending)), booked);
  for (const { packets, bytes } of books.pending) assert.ok(packets >= 0 && bytes >= 0, 'pending');
}

function withoutZeros(sums: ReadonlyMap<string, Count>): Map<string, Count> {
  return new Map([...sums].filter(([, { packets, bytes }]) => packets !== 0 || bytes !== 0));
}

export function labelOf({ series }: FlowAccounts, row: number): string {
  const start = series.labelOffset[row] ?? 0;
  return Buffer.from(series.labelBytes.subarray(start, start + (series.labelLength[row] ?? 0))).toString();
}

/** Names of the keys that hold a series. */
export function namesOf({ series }: FlowAccounts): Set<string> {
  const rows = [...series.inUse.subarray(0, series.count)];
  return new Set(rows.map((row) => keyName(series.keys, row * FLOW_ROW_WORDS)));
}

function hasFlow(kind: number): boolean {
  return kind !== KIND.nonIp && kind !== KIND.malformed;
}

function table<Row extends Count>(rows: readonly Row[], nameOf: (row: Row) => string): Map<string, Count> {
  const named = new Map(rows.map((row) => [nameOf(row), { packets: row.packets, bytes: row.bytes }]));
  assert.equal(named.size, rows.length, 'one row a name');
  return named;
}

function add(counts: Map<string, Count>, name: string, { packets, bytes }: Count): void {
  const known = counts.get(name);
  counts.set(name, { packets: (known?.packets ?? 0) + packets, bytes: (known?.bytes ?? 0) + bytes });
}
