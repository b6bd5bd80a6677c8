// SPDX-License-Identifier: Apache-2.0
// RDMA ports as they are shown: rates against the link, what counters have grown by, and what is not known.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerRdma } from '../../src/api/answer-rdma.js';
import { renderAnswer } from '../../src/api/json-list.js';
import { RdmaReadings } from '../../src/api/rdma-readings.js';
import { Pacer } from '../../src/pacer.js';
import type { RdmaPortStatus } from '../../src/rdma/port-reader.js';
import type { RdmaPortsReading } from '../../src/rdma/rounds.js';

function viewOf(readAtMs: number, counters: RdmaPortStatus['counters']): RdmaPortsReading {
  const port: RdmaPortStatus = {
    name: { device: 'mlx5_0', port: 1 },
    identity: undefined,
    link: { state: 'active', physState: 'LinkUp', rateBitsPerSecond: 100e9 },
    counters,
    timeouts: 0,
    errors: 0,
  };
  return { ports: [port], readDurationMs: 3, readAtMs };
}

function counters(receivedBytes: number, acked: number): NonNullable<RdmaPortStatus['counters']> {
  return {
    receivedBytes,
    transmittedBytes: undefined,
    standard: { port_rcv_packets: 10 },
    hardware: { rx_acked: acked, active_qps: 7 },
    unreadable: 0,
  };
}

interface RdmaAnswer {
  readonly recent_seconds: number | null;
  readonly ports: readonly (Record<string, unknown> & { counters: Record<string, unknown>[] })[];
}

/** turns: of the event loop. */
async function answerOf(
  readings: RdmaReadings,
  turns: { count: number } = { count: 0 },
): Promise<RdmaAnswer> {
  const pacer = new Pacer(async () => {
    turns.count++;
  });
  const answer = renderAnswer(await answerRdma(readings, { isEnabled: true, pacer }));
  return JSON.parse(Buffer.concat(answer).toString());
}

test('rates and growth are those between two readings, of whatever refreshes', async () => {
  const readings = new RdmaReadings();
  readings.note(viewOf(1000, counters(0, 5)));
  const [first] = (await answerOf(readings)).ports;
  assert.deepEqual([first?.['seconds'], first?.['received_bits_per_second']], [null, null]);
  readings.note(viewOf(1000, counters(0, 5)));
  assert.equal(readings.before, undefined, 'the same reading again');
  readings.note(viewOf(3000, counters(250_000_000, 8)));
  const [port] = (await answerOf(readings)).ports;
  assert.equal(port?.['seconds'], 2);
  assert.equal(port['received_bits_per_second'], 1e9);
  assert.equal(port['received_share'], 0.01);
  assert.equal(port['transmitted_bits_per_second'], null);
  assert.deepEqual(port.counters, [
    { name: 'port_rcv_packets', folder: 'counters', level: false, value: 10, grown: 0, grown_recently: 0 },
    { name: 'rx_acked', folder: 'hw_counters', level: false, value: 8, grown: 3, grown_recently: 3 },
    { name: 'active_qps', folder: 'hw_counters', level: true, value: 7, grown: null, grown_recently: null },
  ]);
});

test('a counter that was set back, and a port that does not answer, have no growth', async () => {
  const readings = new RdmaReadings();
  readings.note(viewOf(1000, counters(500, 5)));
  readings.note(viewOf(2000, counters(100, 2)));
  const [port] = (await answerOf(readings)).ports;
  assert.equal(port?.['received_bits_per_second'], null);
  assert.equal(port.counters[1]?.['grown'], null);
  readings.note(viewOf(3000, undefined));
  const [silent] = (await answerOf(readings)).ports;
  assert.deepEqual([silent?.['answered'], silent?.counters], [false, []]);
});

test('recently is ten minutes at most, in no more than twelve readings', async () => {
  const readings = new RdmaReadings();
  for (let second = 0; second <= 3600; second += 5)
    readings.note(viewOf(1000 * second, counters(second, second)));
  const recent = (await answerOf(readings)).recent_seconds ?? 0;
  assert.ok(recent > 530 && recent <= 600, String(recent));
  readings.note(undefined);
  assert.deepEqual((await answerOf(readings)).ports, []);
});

test('many ports are shown in turns of the event loop, each compared with itself', async () => {
  const view = (readAtMs: number): RdmaPortsReading => {
    const [port] = viewOf(readAtMs, counters(readAtMs, readAtMs)).ports;
    assert.ok(port !== undefined);
    const ports = Array.from({ length: 2000 }, (_, i) => ({
      ...port,
      name: { device: `mlx5_${i}`, port: 1 },
    }));
    return { ports, readDurationMs: 3, readAtMs };
  };
  const readings = new RdmaReadings();
  readings.note(view(1000));
  readings.note({ ...view(2000), ports: [...view(2000).ports].reverse() });
  const turns = { count: 0 };
  const { ports } = await answerOf(readings, turns);
  assert.equal(ports.length, 2000);
  assert.ok(ports.every((port) => port['received_bits_per_second'] === 8000));
  assert.ok(turns.count > 20, `${turns.count} turns`);
});
