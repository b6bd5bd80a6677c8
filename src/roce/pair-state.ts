// SPDX-License-Identifier: Apache-2.0
// What the pair table hands over to the next process, and how it goes on from what a former one had counted. Pairs
// that would have other labels end: their packets stay among the others.

import { ROCE_CELL } from '../abi/roce-records.js';
import type { KeyHash } from '../flows/key-hash.js';
import type { Pacer } from '../pacer.js';
import {
  ColumnReader,
  jsonColumn,
  NumberedNames,
  type StateColumns,
  type StateNames,
  type StateNumbers,
  type StateProblem,
} from '../state-columns.js';
import { ADDRESS_WORDS } from './address-masks.js';
import type { OtherCounts } from './other-counts.js';
import { PAIR_WORDS, PairColumns, type PairsState, readPairs } from './pair-columns.js';
import type { PairList } from './pair-list.js';
import type { PairRoom } from './pair-room.js';
import { PATH_KEY_WORDS } from './path-index.js';
import { RocePair } from './roce-pair.js';
import { RocePath } from './roce-path.js';
import { ROCE_OTHER_REASONS, type RoceOtherReason, type RocePairView } from './views.js';

export interface PairsExport {
  /** Stands for all that labels show, and for what tells pairs apart. */
  readonly labels: string;
  /** Since when the others count: wall clock, milliseconds. */
  readonly startedMs: number;
  readonly names: Pick<StateNames, 'interfaceName'>;
}

export interface PairsImport {
  readonly labels: string;
  readonly numbers: Pick<StateNumbers, 'interfaceId'>;
}

/** What went on. */
export interface PairsTaken {
  readonly startedMs: number;
  /** By place in the state; undefined where the pair did not go on. */
  readonly pairs: readonly (RocePairView | undefined)[];
}

interface PairTables {
  readonly list: PairList;
  readonly others: OtherCounts;
}

/** Price of a pair, nanoseconds, either way (bench/state.ts). */
const PAIR_NS = 5000;
/** Versions of rows of the others: 0, 1 and 2. */
const VERSIONS = 3;

export async function exportPairs(
  { list, others }: PairTables,
  { elapsedMs, refreshedMs }: { readonly elapsedMs: number; readonly refreshedMs: number | undefined },
  { labels, startedMs, names }: PairsExport,
  pacer: Pacer,
): Promise<StateColumns> {
  const interfaces = new NumberedNames((id) => names.interfaceName(id));
  const { pairs } = list;
  const columns = new PairColumns(pairs.length);
  await pacer.run(pairs.length, PAIR_NS, (from, to) => {
    for (let i = from; i < to; i++) columns.add(pairs[i] as RocePair, i, elapsedMs, interfaces); // i < length
  });
  const otherRows = others.rows.flatMap(({ interfaceId, version, reason }) => [
    interfaces.indexOf(interfaceId),
    version,
    ROCE_OTHER_REASONS.indexOf(reason),
  ]);
  const facts = {
    labels,
    startedMs,
    ...(refreshedMs === undefined ? {} : { refreshedMs }),
    interfaces: interfaces.names,
    reasons: ROCE_OTHER_REASONS,
    unbookedPackets: others.unbookedPackets,
  };
  return {
    'roce.facts': jsonColumn(facts),
    ...columns.finish(),
    'roce.others': Uint32Array.from(otherRows),
    'roce.otherCounts': Float64Array.from(others.rows.flatMap(({ packets, bytes }) => [packets, bytes])),
  };
}

export interface PairsImportParts extends PairTables {
  readonly room: PairRoom | undefined;
  readonly hash: KeyHash;
  readonly maxPairs: number;
  readonly perQueuePair: boolean;
  readonly pacer: Pacer;
}

/** Into tables that have counted nothing: all, or nothing where there is a problem. */
export async function importPairs(
  columns: StateColumns,
  { labels, numbers }: PairsImport,
  parts: PairsImportParts,
): Promise<(PairsTaken & { readonly refreshedMs: number | undefined }) | StateProblem> {
  const reader = new ColumnReader(columns, 'roce.');
  const facts = reader.json('facts');
  const startedMs = reader.number(facts['startedMs'], 'startedMs');
  const refreshedMs =
    facts['refreshedMs'] === undefined ? undefined : reader.number(facts['refreshedMs'], 'refreshedMs');
  const unbookedPackets = reader.number(facts['unbookedPackets'], 'unbookedPackets');
  const interfaces = reader.texts(facts['interfaces'], 'interfaces');
  const reasons = reader
    .texts(facts['reasons'], 'reasons')
    .map((name) => ROCE_OTHER_REASONS.find((one) => one === name));
  if (reasons.includes(undefined)) reader.fail('it has a reason that this version does not know');
  const otherRows = reader.words('others', 3);
  const otherCounts = reader.doubles('otherCounts', 2, otherRows.length / 3);
  reader.indexes(otherRows, 3, 0, interfaces.length, 'others');
  reader.indexes(otherRows, 3, 1, VERSIONS, 'others');
  reader.indexes(otherRows, 3, 2, reasons.length, 'others');
  const state = readPairs(columns, interfaces.length);
  const problem = reader.problem ?? state.problem;
  if (problem !== undefined) return { problem };

  const { others } = parts;
  const interfaceIds = interfaces.map((name) => numbers.interfaceId(name));
  others.unbookedPackets += unbookedPackets;
  for (let row = 0; row < otherCounts.length / 2; row++) {
    const [index = 0, version = 0, reason = 0] = otherRows.subarray(3 * row);
    const [packets = 0, bytes = 0] = otherCounts.subarray(2 * row);
    others.add(interfaceIds[index] ?? 0, version, reasons[reason] as RoceOtherReason, packets, bytes);
  }
  const pairs = await takePairs(state, interfaceIds, facts['labels'] === labels, parts);
  return { startedMs, refreshedMs, pairs };
}

async function takePairs(
  state: PairsState,
  interfaceIds: readonly number[],
  goOn: boolean,
  { list, room, hash, maxPairs, perQueuePair, pacer }: PairsImportParts,
): Promise<(RocePairView | undefined)[]> {
  const key = new Uint32Array(PATH_KEY_WORDS);
  const taken: (RocePair | undefined)[] = [];
  await pacer.run(state.count, PAIR_NS, (from, to) => {
    for (let place = from; place < to; place++) {
      const words = state.pairs.subarray(place * PAIR_WORDS, (place + 1) * PAIR_WORDS);
      key.set(words.subarray(1, 1 + 2 * ADDRESS_WORDS));
      key[2 * ADDRESS_WORDS] = interfaceIds[words[0] ?? 0] ?? 0;
      const keyHash = hash(key, 0);
      const known = list.findPath(keyHash, key);
      const path =
        known ??
        new RocePath<RocePair>(key[2 * ADDRESS_WORDS] ?? 0, key.slice(0, 2 * ADDRESS_WORDS), keyHash);
      const pair = new RocePair(path, words[PAIR_WORDS - 1] ?? 0, state.startedMsOf(place));
      pair.lastSeenMs = -state.idleMsOf(place);
      pair.changedIn = 1; // in no answer of this process before
      state.fill(pair, place);
      // Two names of interfaces may have come to be one number.
      if (!goOn || path.pairs.has(pair.queuePair)) {
        list.bookEnded(pair, 'expired');
        taken.push(undefined);
        continue;
      }
      room?.takeFormerPair(pair, known === undefined, perQueuePair);
      list.add(pair, known === undefined);
      taken.push(pair);
    }
  });
  const bySize = [...list.pairs].sort((a, b) => bytesOf(b) - bytesOf(a));
  const ended = new Set(bySize.slice(maxPairs));
  for (const pair of ended) list.end(pair, 'max_pairs');
  return taken.map((pair) => (pair === undefined || ended.has(pair) ? undefined : pair));
}

function bytesOf(pair: RocePair): number {
  return pair.cells[ROCE_CELL.bytes] ?? 0;
}
