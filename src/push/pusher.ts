// SPDX-License-Identifier: Apache-2.0
// Payloads in, samples at the receiver: puts queue, spool, compression and sending together, and
// ends them in order. Never in anybody's way.

import type { Schedule } from '../clock.js';
import type { Payload } from '../exposition/payload.js';
import type { Logger } from '../log.js';
import { Backlog } from './backlog.js';
import { Backoff } from './backoff.js';
import type { Batch } from './batch.js';
import type { Codec } from './compress.js';
import { Delivery, type DeliveryOptions } from './delivery.js';
import { Intake } from './intake.js';
import { PushLog } from './push-log.js';
import { type DropReason, PushCounters, type PushStats } from './push-stats.js';
import { SendLoop } from './send-loop.js';
import type { Spool } from './spool.js';
import type { Transport } from './transport.js';

export interface PusherOptions extends DeliveryOptions {
  readonly queueMaxBytes: number;
  /** A batch that is older is dropped; one that a former run left counts from the start. */
  readonly maxAgeMs: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
}

export interface PusherParts {
  /** The pusher closes it. */
  readonly transport: Transport;
  readonly codec: Codec;
  /** undefined: batches wait in memory only. The pusher closes it. */
  readonly spool: Spool | undefined;
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** Wall clock, milliseconds since the epoch. */
  wallMs(): number;
  /** From [0, 1). */
  random(): number;
  readonly schedule: Schedule;
  readonly log: Logger;
  /** Of the pusher before this one, with the same spool. None unless told. */
  readonly former?: PusherLegacy | undefined;
}

export interface Pusher {
  /**
   * Takes payloads in the order in which they must arrive. Never blocks, never throws; what finds no
   * room is dropped and counted. The bodies are the pusher's from now on: they must not change.
   */
  enqueue(payloads: readonly Payload[]): void;
  /**
   * Resolves when all that was enqueued is compressed. Whoever encodes many payloads waits here
   * between them, so that only a few stand in memory uncompressed.
   */
  compressed(): Promise<void>;
  /**
   * Sends what can be sent within the limit; the rest goes to the spool, or is dropped and counted.
   * Nothing is taken any more. Never rejects; may be called twice.
   */
  close(limitMs: number): Promise<void>;
  /**
   * Breaks off what is being sent, and leaves all that is not delivered, some of it for the second time, to the
   * next pusher. Nothing is taken any more. In place of close(). Never rejects.
   */
  handOver(): Promise<PusherLegacy>;
  /** A copy, as of now. */
  readonly stats: PushStats;
}

/** Parts of the limit of a stop after which batches move to the spool, and sending ends. */
const MOVE_AT = 0.5;
const END_WITH_SPOOL_AT = 0.75;
const END_WITHOUT_SPOOL_AT = 0.95;

/** What a pusher leaves to the next one of the same process. */
export interface PusherLegacy {
  readonly counters: PushCounters;
  /** From memory, oldest first. What is in the spool is there. */
  readonly batches: readonly Batch[];
}

/** Starts at once to send what the spool holds, and what a former pusher has left. */
export function createPusher(options: PusherOptions, parts: PusherParts): Pusher {
  const { spool, transport, codec, nowMs, wallMs, schedule, log } = parts;
  const { former } = parts;
  const counters = former?.counters ?? new PushCounters();
  const pushLog = new PushLog({ log, nowMs });
  const onDropped = (reason: DropReason, samples: number, sentence?: string): void => {
    counters.samplesDropped[reason] += samples;
    pushLog.dropped(reason, samples, sentence);
  };
  const backlog = new Backlog(options, {
    spool,
    nowMs,
    onDropped,
    onSpooled: (samples) => {
      counters.samplesSpooled += samples;
    },
    onSpoolState(error) {
      if (error !== undefined) counters.spoolFailures++;
      pushLog.spool(error);
    },
    onSetAside: (sentence) => pushLog.setAside(1, sentence),
  });
  const delivery = new Delivery(options, { ...parts, counters });
  const sender = new SendLoop(
    { maxAgeMs: options.maxAgeMs, hasSpool: spool !== undefined },
    {
      backlog,
      delivery,
      backoff: new Backoff({ minMs: options.minBackoffMs, maxMs: options.maxBackoffMs }, parts.random),
      counters,
      pushLog,
      onDropped,
      nowMs,
      wallMs,
      schedule,
    },
  );
  const intake = new Intake({
    backlog,
    codec,
    dialect: () => delivery.dialect,
    firstSequence: inherit(former?.batches ?? [], spool?.nextSequence ?? 1, backlog, onDropped),
    nowMs,
    wallMs,
    onDropped,
    onBatch: () => sender.wake(),
  });
  let closed: Promise<void> | undefined;

  if (spool !== undefined) {
    if (former === undefined) {
      counters.samples += spool.totals.samples;
      greetSpool(spool, log);
    }
    counters.spoolDamagedFiles += spool.unfinishedFiles;
    const [example] = spool.foundAtStart;
    if (example !== undefined) pushLog.setAside(spool.foundAtStart.length, example);
  }
  const sending = sender.run();

  async function sendRest(): Promise<void> {
    await intake.settled();
    sender.drain();
    await sending;
    backlog.keepOnDisk(true);
    await backlog.moved();
  }

  async function close(limitMs: number): Promise<void> {
    const cancels = [schedule(() => backlog.keepOnDisk(true), limitMs * MOVE_AT)];
    const endAt = spool === undefined ? END_WITHOUT_SPOOL_AT : END_WITH_SPOOL_AT;
    cancels.push(schedule(() => sender.stop(), limitMs * endAt));
    const limit = new Promise<void>((resolve) => {
      cancels.push(schedule(resolve, limitMs));
    });
    await Promise.race([sendRest(), limit]);
    for (const cancel of cancels) cancel();
    sender.stop();
    backlog.dropQueue('shutdown');
    const { batches, samples } = backlog.spool;
    if (batches > 0)
      log.info({ batches, samples }, 'not all could be sent: the spool keeps it for the next start');
    transport.close();
    await spool?.close();
  }

  async function handOver(): Promise<PusherLegacy> {
    sender.stop();
    await intake.settled();
    await sending;
    await backlog.moved();
    const batches = backlog.takeQueue();
    transport.close();
    await spool?.close();
    return { counters, batches };
  }

  return {
    enqueue(payloads) {
      for (const payload of payloads) {
        counters.samples += payload.samples;
        if (closed !== undefined) onDropped('shutdown', payload.samples);
        else intake.add(payload);
      }
    },
    compressed: () => intake.settled(),
    close(limitMs) {
      closed ??= close(limitMs);
      return closed;
    },
    async handOver() {
      const isOver = handOver();
      closed ??= isOver.then(() => undefined);
      return isOver;
    },
    get stats() {
      return readStats();
    },
  };

  function readStats(): PushStats {
    const { format, encoding } = delivery.dialect;
    return {
      ...counters,
      samplesDropped: { ...counters.samplesDropped },
      requests: new Map(counters.requests),
      requestDuration: counters.requestDuration,
      queueBytes: backlog.queue.bytes,
      queueLimitBytes: backlog.queue.maxBytes,
      queueSamples: backlog.queue.samples,
      spoolBytes: backlog.spool.bytes,
      spoolLimitBytes: spool?.maxBytes ?? 0,
      spoolSamples: backlog.spool.samples,
      spoolBatches: backlog.spool.batches,
      spoolSetAside: spool?.setAsideFiles ?? 0,
      isUp: sender.isUp,
      lastSuccessMs: sender.lastSuccessMs,
      trouble: pushLog.trouble,
      format,
      encoding,
    };
  }
}

/** They come behind what the spool has; returns the next sequence number. */
function inherit(
  batches: readonly Batch[],
  firstSequence: number,
  backlog: Backlog,
  onDropped: (reason: DropReason, samples: number) => void,
): number {
  let sequence = firstSequence;
  for (const batch of batches) {
    const room = { bytes: batch.body.length, samples: batch.samples };
    if (!backlog.reserve(room.bytes, room.samples)) onDropped('queue_full', room.samples);
    else backlog.settle(room, { ...batch, sequence: sequence++ });
  }
  return sequence;
}

function greetSpool(spool: Spool, log: Logger): void {
  const { batches, samples } = spool.totals;
  if (batches > 0)
    log.info({ batches, samples }, 'the spool holds batches of a former run: they are sent first');
  if (spool.unfinishedFiles > 0) {
    log.warn(
      { files: spool.unfinishedFiles },
      'a former run ended while it wrote to the spool: what it left unfinished is removed',
    );
  }
}
