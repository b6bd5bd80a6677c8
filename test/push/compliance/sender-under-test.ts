// SPDX-License-Identifier: Apache-2.0
// The line from snapshot to request as the exporter has it, pushing to a receiver that decodes with
// protobufjs and takes what it is told to. For tests only.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { connectPush, type PushLine } from '../../../src/compose/connect-push.js';
import type { PushConfig } from '../../../src/config/config.js';
import type { Family } from '../../../src/metrics/definition.js';
import { waitFor } from '../../support/conditions.js';
import { resolveRun } from '../../support/config/fixture-text.js';
import { createSnapshot } from '../../support/exposition/encoder-fixture.js';
import { FIXED_LABELS, type FlowSpec } from '../../support/exposition/series-fixture.js';
import { ListLog } from '../../support/push/push-fixture.js';
import { startReceiver } from '../../support/push/real-pusher.js';
import {
  decodeSeries,
  decompress,
  type PushReceiver,
  type ReceivedPush,
  type Reply,
  written,
} from '../../support/receivers/push-receiver.js';
import {
  decodeRequestV2,
  type ReceivedRequestV2,
  type ReceivedSeries,
} from '../../support/receivers/remote-write-protos.js';

export type Version = 'remote_write_1' | 'remote_write_2';

export interface SenderOptions {
  /** Called with each request and how many came before it; undefined takes it whole. */
  reply?(push: ReceivedPush, index: number): Reply | undefined | Promise<Reply | undefined>;
  /** Of the section push, besides. */
  readonly push?: Partial<PushConfig>;
}

export interface Pushed {
  readonly flows?: readonly FlowSpec[];
  /** Wall clock of the refresh; now unless told. */
  readonly atMs?: number;
}

/** The answer that a batch is taken whole. */
export function takeAll(push: ReceivedPush, status = 204): Reply {
  return written(decodeSeries(push).length, status);
}

export async function openSender(
  t: TestContext,
  version: Version,
  { reply, push = {} }: SenderOptions = {},
): Promise<SenderUnderTest> {
  const receiver = await startReceiver(t, {
    reply: async (one, index) => (await reply?.(one, index)) ?? takeAll(one),
  });
  const config = resolveRun({ file: 'push: {enabled: true, url: "http://h/api/v1/write"}' });
  const log = new ListLog();
  const line = await connectPush(
    {
      config: {
        ...config,
        // A case is one request; the zeros before the first values of counters would be another.
        flows: { ...config.flows, newSeries: 'at_value' },
        push: {
          ...config.push,
          url: receiver.url(),
          format: version === 'remote_write_1' ? 'remote_write' : version,
          compression: 'snappy',
          retry: { minBackoffMs: 10, maxBackoffMs: 40, on429: true },
          ...push,
        },
      },
      version: '1.2.3',
      startedMs: Date.now(),
      flowLabels: FIXED_LABELS,
      port: 10060,
    },
    { log },
  );
  assert.ok(line !== undefined);
  return new SenderUnderTest(line, receiver, log);
}

export class SenderUnderTest {
  readonly line: PushLine;
  readonly receiver: PushReceiver;
  readonly log: ListLog;

  constructor(line: PushLine, receiver: PushReceiver, log: ListLog) {
    this.line = line;
    this.receiver = receiver;
    this.log = log;
  }

  get pushes(): readonly ReceivedPush[] {
    return this.receiver.pushes;
  }

  /** Hands a refresh in; it is sent when the receiver takes it. */
  async hand(families: readonly Family[], { flows = [], atMs = Date.now() }: Pushed = {}): Promise<void> {
    await this.line.push(createSnapshot(flows, families), atMs);
  }

  /** The same, and waits until nothing waits any more. Returns the requests of it. */
  async push(families: readonly Family[], pushed: Pushed = {}): Promise<readonly ReceivedPush[]> {
    const before = this.pushes.length;
    await this.hand(families, pushed);
    await this.settled();
    return this.pushes.slice(before);
  }

  async settled(): Promise<void> {
    await waitFor('nothing waits', () => this.stat('queue_samples') === 0, { intervalMs: 2 });
  }

  /** A push of one request, decoded. */
  async pushOne(families: readonly Family[], pushed: Pushed = {}): Promise<Received> {
    const requests = await this.push(families, pushed);
    assert.equal(requests.length, 1);
    return new Received(requests[0] as ReceivedPush);
  }

  /** xtrace_push_NAME, summed up over its labels, or those that have this one. */
  stat(name: string, label?: readonly [name: string, value: string]): number {
    const family = this.line.families().find((one) => one.name === `xtrace_push_${name}`);
    assert.ok(family !== undefined, `there is no xtrace_push_${name}`);
    return family.samples
      .filter(
        ({ labels }) => label === undefined || labels.some(([n, v]) => n === label[0] && v === label[1]),
      )
      .reduce((sum, { value }) => sum + value, 0);
  }

  /** Sent, and dropped for this reason; all else must have been neither. */
  assertBooks(sent: number, dropped: Readonly<Record<string, number>> = {}): void {
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    assert.equal(this.stat('samples_sent_total'), sent, 'samples sent');
    for (const [reason, count] of Object.entries(dropped)) {
      assert.equal(this.stat('samples_dropped_total', ['reason', reason]), count, `dropped as ${reason}`);
    }
    assert.equal(this.stat('samples_dropped_total'), lost, 'dropped in all');
    assert.equal(this.stat('samples_total'), sent + lost, 'handed in');
  }
}

/** One request, as a receiver reads it. */
export class Received {
  readonly push: ReceivedPush;
  readonly series: readonly ReceivedSeries[];

  constructor(push: ReceivedPush) {
    this.push = push;
    this.series = decodeSeries(push);
    assert.ok(this.series.length > 0, 'a request without series');
  }

  /** Of 2.0. */
  get request(): ReceivedRequestV2 {
    return decodeRequestV2(decompress(this.push));
  }

  /** All series of a name. */
  named(name: string): readonly ReceivedSeries[] {
    const found = this.series.filter(({ labels }) => nameOf(labels) === name);
    assert.ok(found.length > 0, `${name} is not there`);
    return found;
  }

  /** The only series of a name, with its only sample. */
  one(name: string) {
    const [series, ...others] = this.named(name);
    assert.ok(series !== undefined && others.length === 0, `${name}: ${others.length + 1} series`);
    const [sample, ...further] = series.samples;
    assert.ok(sample !== undefined && further.length === 0, `${name}: ${further.length + 1} samples`);
    return { ...series, ...sample, label: Object.fromEntries(series.labels) };
  }
}

export function nameOf(labels: ReceivedSeries['labels']): string | undefined {
  return labels.find(([name]) => name === '__name__')?.[1];
}
