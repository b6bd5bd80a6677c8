// SPDX-License-Identifier: Apache-2.0
// The drains of an exporter whose maps outlive it: first what is left to be counted of its predecessors' maps,
// then its own, drain by drain. Nothing leaves the kernel before it was counted, and a predecessor goes when all
// of it was.

import { FlowRowBuffer } from '../abi/flow-row-buffer.js';
import { maskRows } from '../abi/mask-rows.js';
import type { OverflowRow } from '../abi/records.js';
import { RoceRowBuffer } from '../abi/roce-row-buffer.js';
import type { Half, KernelMaps } from '../kernel/kernel-maps.js';
import type { Predecessor } from '../kernel/pins/pins.js';
import { Pacer } from '../pacer.js';
import type { Drain, DrainResult } from '../reader/drain.js';
import type { KeptDrain } from '../reader/kept-drain.js';
import type { CountedMaps, CountedMark } from './counted-mark.js';

export interface TakeOverDrain extends Drain {
  /** What the last drain handed over is in the counters, or never will be: a state written now has it. */
  noteCounted(): void;
  /** Whether there is more that was counted before us, so that the next drain is due at once. */
  isTakingOver(): boolean;
  /** What the last drain handed over is counted, and kept where it is to be. Never rejects: what fails is tried again, and told. */
  clear(): Promise<void>;
}

export interface TakeOverParts {
  readonly maps: KernelMaps;
  /** The maps may hold counts of before us. */
  readonly isTakenOver: boolean;
  readonly generationId: string;
  readonly predecessors: readonly Predecessor[];
  /** How far whoever had these maps before has come, and we. */
  readonly mark: CountedMark;
  drainOf(maps: KernelMaps, written: Half | 'new_maps' | undefined): KeptDrain;
  interfaceIdOf(ifindex: number): number;
  yieldToLoop(): Promise<void>;
  /** Before the first drain, when interfaces have been looked at: no link runs a predecessor's program any more. */
  onFirst(): void;
  warn(sentence: string): void;
}

/** Measured: 30 ns for a row of which ports are left out. */
const ROW_NS = 40;

/** A drain, and what follows when it was counted. */
interface Step {
  readonly predecessor?: Predecessor;
  drain(): Promise<DrainResult>;
  /** What the drain has handed over; undefined: nothing. */
  handedOver(): CountedMaps | undefined;
  clear(): Promise<void>;
}

export function createTakeOverDrain(parts: TakeOverParts): TakeOverDrain {
  const written = parts.isTakenOver ? halfOf(parts.mark, parts.generationId) : 'new_maps';
  const own = parts.drainOf(parts.maps, written);
  const ownStep: Step = {
    drain: () => own.drain(),
    handedOver: () => copiedOf(parts.generationId, own),
    clear: () => own.clear(),
  };
  const left = parts.predecessors.flatMap((predecessor) => stepsOf(predecessor, parts));
  // The first drain of a kept one is of the half that is quiet already, which a predecessor that was killed may
  // not have emptied; the second one brings what was counted until now.
  const steps: Step[] = [
    ...left,
    ...(parts.isTakenOver ? [ownStep, ownStep] : []),
    ...(left.length > 0 && !parts.isTakenOver ? [ownStep] : []),
  ];
  let isFirst = true;
  let counted: Step | undefined;

  /** What it could not give comes with the next start. */
  function leave(predecessor: Predecessor, error: unknown): void {
    parts.warn(
      `what ${predecessor.folder} has counted could not be read, and is left for the next start: ${String(error)}`,
    );
    while (steps[0]?.predecessor === predecessor) steps.shift();
    predecessor.close();
  }

  return {
    isTakingOver: () => steps.length > 0,
    async drain() {
      if (isFirst) {
        isFirst = false;
        parts.onFirst();
      }
      const step = steps.shift() ?? ownStep;
      const result = await step.drain();
      counted = result.error === undefined ? step : undefined;
      if (result.error !== undefined && step.predecessor !== undefined) {
        leave(step.predecessor, result.error);
      }
      return result;
    },
    noteCounted() {
      const maps = counted?.handedOver();
      if (maps !== undefined) parts.mark.set(maps);
    },
    async clear() {
      const step = counted;
      counted = undefined;
      try {
        await step?.clear();
      } catch (error) {
        parts.warn(`what was counted could not be taken out of the kernel: ${String(error)}`);
      }
    },
  };
}

/** Its rows are as if the programs that are in use now had counted them. */
function stepsOf(predecessor: Predecessor, parts: TakeOverParts): Step[] {
  const remove = async (): Promise<void> => predecessor.remove();
  const { id } = predecessor;
  if (!predecessor.isReadable) {
    const isCounted = parts.mark.of(id) === 'all';
    const drain = async (): Promise<DrainResult> =>
      isCounted ? emptyResult(parts) : await foreignDrain(predecessor, parts);
    const handedOver = (): CountedMaps => ({ generationId: id, half: 'all' });
    return [{ predecessor, drain, handedOver, clear: remove }];
  }
  let opened: KeptDrain | undefined;
  const drain = async (): Promise<DrainResult> => {
    try {
      opened ??= parts.drainOf(predecessor.open().maps, halfOf(parts.mark, id));
    } catch (error) {
      return { ...emptyResult(parts), error };
    }
    const result = await opened.drain();
    const { rows } = result;
    await new Pacer(() => parts.yieldToLoop()).run(rows.length, ROW_NS, (from, to) =>
      maskRows(rows, from, to, parts.maps.roceDerivation),
    );
    return result;
  };
  const handedOver = (): CountedMaps | undefined => opened && copiedOf(id, opened);
  // Empty before it goes: where its pins cannot be removed, the next start finds nothing in it.
  const last = async (): Promise<void> => {
    await opened?.clear();
    predecessor.remove();
  };
  return [
    { predecessor, drain, handedOver, clear: async () => opened?.clear() },
    { predecessor, drain, handedOver, clear: last },
  ];
}

function copiedOf(generationId: string, { copied }: KeptDrain): CountedMaps | undefined {
  return copied === undefined ? undefined : { generationId, half: copied };
}

function halfOf(mark: CountedMark, generationId: string): Half | undefined {
  const half = mark.of(generationId);
  return half === 'all' ? undefined : half;
}

/** Sums without flows stand where the sums of flows do that had no place. */
async function foreignDrain(predecessor: Predecessor, parts: TakeOverParts): Promise<DrainResult> {
  try {
    const counts = await predecessor.foreignCounts();
    const overflow = counts.map(
      ({ ifindex, kind, reason, packets, bytes }): OverflowRow => ({
        interfaceId: parts.interfaceIdOf(ifindex),
        kind,
        frameReason: reason,
        packets,
        bytes,
      }),
    );
    return { ...emptyResult(parts), overflow };
  } catch (error) {
    return { ...emptyResult(parts), error };
  }
}

function emptyResult({ maps }: Pick<TakeOverParts, 'maps'>): DrainResult {
  return {
    rows: new FlowRowBuffer(),
    overflow: [],
    roceRows: new RoceRowBuffer(maps.roceDerivation.opcodeFacts),
    roceOverflow: [],
    unattributedPackets: 0,
    entries: { flows4: 0, flows6: 0, slots4: 0, slots6: 0, roce: 0, roceSlots: 0 },
    unseenFlows: 0,
    fenceMs: 0,
    readMs: 0,
  };
}
