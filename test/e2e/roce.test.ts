// SPDX-License-Identifier: Apache-2.0
// RoCE through the whole exporter: what the headers tell equals what the reference decoder reads in the
// same frames, the books balance at every scrape whatever overflows or expires, and RDMA devices that
// hang hold nobody up.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { FRAMING } from '../../src/abi/kinds.js';
import { ROCE_CELL } from '../../src/abi/roce-records.js';
import type { Exporter } from '../support/exporter/exporter.js';
import { scrapeAfterRefreshes, scrapeOfPackets, withExporter } from '../support/exporter/with-exporter.js';
import { payloadOf } from '../support/frames/frames.js';
import { erspan2 } from '../support/frames/mirror-frames.js';
import { ends4, ends6, over } from '../support/frames/traffic-mix.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { sendFrames } from '../support/kernel/sender.js';
import { createWire, type Wire } from '../support/kernel/wire.js';
import type { Exposition } from '../support/oracle/exposition-parser.js';
import { readRoce } from '../support/oracle/reference-roce.js';
import { MLX5_ROCE, RXE } from '../support/rdma/rdma-devices.js';
import { HANGING, RdmaSysfs } from '../support/rdma/rdma-sysfs.js';
import { assertRoceBalance } from '../support/roce/roce-balance.js';
import { over4, PAYLOAD, V2_IPV4 } from '../support/roce/roce-count-parts.js';
import { EXTENDED_CARRIERS } from '../support/roce/roce-extended-carriers.js';
import { type BthFields, congestionNotification, roceV1Frame, roceV2 } from '../support/roce/roce-frames.js';
import { withUdpLength } from '../support/roce/roce-length-vectors.js';

/** SEND and WRITE first, middle, last; READ request; ACK; UD to queue pair 1. */
const CONVERSATION = [0x00, 0x01, 0x02, 0x06, 0x07, 0x08, 0x0c, 0x11, 0x64];

/** Frames of so many pairs of addresses, over IPv4, IPv6 and GIDs. */
function conversations(net: number, pairs: number): Buffer[] {
  return Array.from({ length: pairs }, (_, host) => {
    const field = (opcode: number, i: number) => ({
      opcode,
      destinationQp: opcode === 0x64 ? 1 : 0x100 + host,
      sequenceNumber: i,
    });
    return [
      ...CONVERSATION.map((opcode, i) =>
        over(ends4(net, host), roceV2(field(opcode, i), payloadOf(64), 0xc000 + host)),
      ),
      ...CONVERSATION.map((opcode, i) => over(ends6(net, host), roceV2(field(opcode, i), payloadOf(32)))),
      ...CONVERSATION.map((opcode, i) => roceV1Frame(ends6(net, host), field(opcode, i), payloadOf(48))),
      over(ends4(net, host), congestionNotification(0x100 + host)),
    ];
  }).flat();
}

async function withWire(test: (wire: Wire) => Promise<void>): Promise<void> {
  const wire = createWire('k');
  try {
    await test(wire);
  } finally {
    wire.dispose();
  }
}

function send(wire: Wire, frames: readonly Buffer[], repeat = 1): Promise<unknown> {
  return sendFrames({
    prefix: wire.source.enter,
    interface: wire.sourceDevice(),
    frames,
    repeat,
  });
}

/** What the reference reads in all frames: sums of cells. */
function referenceCells(frames: readonly Buffer[], decapMirror = false): Float64Array {
  const sums = new Float64Array(64);
  for (const frame of frames) {
    for (const [cell, value] of readRoce(frame, FRAMING.ethernet, { decapMirror })?.cells ?? []) {
      sums[cell] = (sums[cell] ?? 0) + value;
    }
  }
  return sums;
}

function cellsShown(shown: Exposition): Record<string, number> {
  const operation = (name: string) => shown.sum('xtrace_roce_operations_total', { operation: name });
  return {
    packets: shown.sum('xtrace_roce_packets_total'),
    bytes: shown.sum('xtrace_roce_bytes_total'),
    payloadBytes: shown.sum('xtrace_roce_payload_bytes_total'),
    sends: operation('send'),
    writes: operation('write'),
    reads: operation('read'),
    acks: shown.sum('xtrace_roce_acks_total'),
    writeMessageBytes: shown.sum('xtrace_roce_operation_bytes_sum', { operation: 'write' }),
    readMessageBytes: shown.sum('xtrace_roce_operation_bytes_sum', { operation: 'read' }),
  };
}

kernelTest('what RoCE headers tell is what the reference reads in the same frames', async () => {
  await withWire(async (wire) => {
    const frames = conversations(1, 8);
    await withExporter(wire, {}, async (exporter) => {
      await send(wire, frames);
      const shown = await scrapeOfPackets(exporter, wire.sinkDevice(), frames.length);
      const expected = referenceCells(frames);
      for (const [name, value] of Object.entries(cellsShown(shown))) {
        assert.equal(value, expected[ROCE_CELL[name as keyof typeof ROCE_CELL]], name);
      }
      assert.equal(assertRoceBalance(shown, wire.sinkDevice()), frames.length);
      assert.equal(shown.sum('xtrace_roce_cnp_packets_total'), 8);
      assert.equal(shown.sum('xtrace_roce_cm_messages_total'), 24);
      assert.equal(shown.sum('xtrace_roce_psn_gaps_total'), 0);
    });
  });
});

kernelTest('what is no RoCE says why, behind UDP and behind a GRH, and no payload is invented', async () => {
  await withWire(async (wire) => {
    const send4 = (fields: Partial<BthFields>) =>
      over4(roceV2({ opcode: 0x04, destinationQp: 1, ...fields }, PAYLOAD));
    const v1 = (fields: Partial<BthFields>, payloadLength?: number) =>
      roceV1Frame(ends6(1, 1), { opcode: 0x04, destinationQp: 1, ...fields }, PAYLOAD, [], {
        ...(payloadLength !== undefined && { payloadLength }),
      });
    const [destinationOptions] = EXTENDED_CARRIERS.filter(({ name }) => name.endsWith('destination options'));
    assert.ok(destinationOptions !== undefined);
    const frames: Readonly<Record<string, readonly Buffer[]>> = {
      short: [withUdpLength(V2_IPV4, 23), withIpv4Length(send4({}), 43), v1({}, 15)],
      transport_version: [send4({ transportVersion: 1 }), v1({ transportVersion: 1 })],
      opcode: [send4({ opcode: 0x18 }), v1({ opcode: 0x18 }), v1({ opcode: 0x56 })],
      length: [withUdpLength(destinationOptions, 65_535)],
    };
    const all = Object.values(frames).flat();
    await withExporter(wire, {}, async (exporter) => {
      await send(wire, all);
      const shown = await scrapeOfPackets(exporter, wire.sinkDevice(), all.length);
      for (const [reason, of] of Object.entries(frames)) {
        assert.equal(shown.sum('xtrace_roce_malformed_packets_total', { reason }), of.length, reason);
      }
      assert.equal(shown.sum('xtrace_roce_payload_bytes_total'), 0);
      assert.equal(assertRoceBalance(shown, wire.sinkDevice()), 1);
      const behindGrh = (reason: string) => shown.sum('xtrace_frame_reason_packets_total', { reason });
      assert.deepEqual([behindGrh('bth_invalid'), behindGrh('grh_payload_length')], [3, 1]);
      assert.equal(shown.sum('xtrace_other_packets_total', { reason: 'malformed' }), 4);
    });
  });
});

function withIpv4Length(frame: Buffer, totalLength: number): Buffer {
  frame.writeUInt16BE(totalLength, 16);
  return frame;
}

kernelTest(
  'the books of RoCE balance at every scrape, with maps too small and pairs that expire',
  async () => {
    await withWire(async (wire) => {
      const settings = {
        roce: { max_pairs: 20, max_streams: 64 },
        flows: { max_series: 50, idle_timeout_ms: 300 },
      };
      await withExporter(wire, { settings }, async (exporter) => {
        const frames = conversations(1, 100);
        let scrapes = 0;
        let rounds = 0;
        let sending = true;
        const sent = (async () => {
          while (rounds < 4 || (scrapes <= 10 && rounds < 60)) {
            rounds++;
            await send(wire, frames, 5);
            await delay(400); // pairs expire meanwhile
          }
        })().finally(() => {
          sending = false;
        });
        while (sending) {
          assertRoceBalance(await exporter.scrape(), wire.sinkDevice());
          scrapes++;
          await delay(30);
        }
        await sent;
        assert.ok(scrapes > 10, `${scrapes} scrapes in ${rounds} rounds`);
        const packets = rounds * 5 * frames.length;
        const shown = await scrapeOfPackets(exporter, wire.sinkDevice(), packets);
        assert.equal(assertRoceBalance(shown, wire.sinkDevice()), packets);
        for (const reason of ['max_pairs', 'map_full', 'expired']) {
          const others = shown.sum('xtrace_roce_other_packets_total', { reason });
          assert.ok(others > 0, `nothing is ${reason}: the test does not reach it`);
        }
      });
    });
  },
);

kernelTest('queue pairs are told apart where asked for, in flows and pairs', async () => {
  await withWire(async (wire) => {
    const frames = [1, 2, 3].map((n) =>
      over(ends4(1, 1), roceV2({ opcode: 0x04, destinationQp: 0x100 + n }, payloadOf(64))),
    );
    await withExporter(wire, { settings: { roce: { per_queue_pair: true } } }, async (exporter) => {
      await send(wire, frames);
      const shown = await scrapeOfPackets(exporter, wire.sinkDevice(), frames.length);
      for (const metric of ['xtrace_roce_packets_total', 'xtrace_network_packets_total']) {
        const queuePairs = shown.select(metric).map(({ labels }) => labels.get('queue_pair'));
        assert.deepEqual(queuePairs.sort(), ['257', '258', '259'], metric);
      }
    });
    await withExporter(wire, {}, async (exporter) => {
      await send(wire, frames);
      const shown = await scrapeOfPackets(exporter, wire.sinkDevice(), frames.length);
      assert.equal(shown.select('xtrace_roce_packets_total').length, 1);
      assert.equal(shown.select('xtrace_roce_packets_total')[0]?.labels.has('queue_pair'), false);
      assert.equal(shown.value('xtrace_roce_psn_rewinds_total'), 0);
    });
  });
});

kernelTest('mirrored RoCE is RoCE where asked for, and GRE otherwise', async () => {
  await withWire(async (wire) => {
    const inner = conversations(1, 2);
    const frames = inner.map((frame) => over(ends4(9, 9), erspan2(frame)));
    await withExporter(wire, { settings: { roce: { decap_mirror: true } } }, async (exporter) => {
      await send(wire, frames);
      const shown = await scrapeOfPackets(exporter, wire.sinkDevice(), frames.length);
      assert.equal(shown.sum('xtrace_roce_packets_total'), inner.length);
      const payload = referenceCells(inner)[ROCE_CELL.payloadBytes];
      assert.equal(shown.sum('xtrace_roce_payload_bytes_total'), payload);
      assert.equal(assertRoceBalance(shown, wire.sinkDevice()), inner.length);
    });
    await withExporter(wire, {}, async (exporter) => {
      await send(wire, frames);
      const shown = await scrapeOfPackets(exporter, wire.sinkDevice(), frames.length);
      assert.equal(shown.sum('xtrace_roce_packets_total'), 0);
      assert.equal(shown.sum('xtrace_interface_packets_total', { traffic_type: 'Other' }), frames.length);
    });
  });
});

kernelTest('where RoCE is not to be read, it is flows and nothing else', async () => {
  await withWire(async (wire) => {
    const frames = conversations(1, 2);
    await withExporter(wire, { settings: { roce: { enabled: false } } }, async (exporter) => {
      await send(wire, frames);
      const shown = await scrapeOfPackets(exporter, wire.sinkDevice(), frames.length);
      assert.deepEqual(roceNames(shown), []);
      assert.ok(shown.sum('xtrace_network_packets_total', { traffic_type: 'RoCE_v2' }) > 0);
    });
  });
});

function roceNames(shown: Exposition): string[] {
  const names = [...shown.series.values()].map(({ name }) => name);
  return names.filter((name) => /^xtrace_roce_(?!visibility|offload)/.test(name));
}

kernelTest(
  'what RDMA devices count is shown beside what XDP saw; one that hangs holds nobody up',
  async () => {
    await withWire(async (wire) => {
      const device = wire.sinkDevice();
      const port = MLX5_ROCE.ports[1];
      const sysfs = new RdmaSysfs({
        rxe0: { ...RXE, files: { ...RXE.files, parent: device } },
        mlx5_0: { ...MLX5_ROCE, ports: { 1: { ...port, hwCounters: { out_of_sequence: HANGING } } } },
      });
      try {
        await withExporter(wire, { settings: { rdma: { sysfs_path: sysfs.path } } }, async (exporter) => {
          const shown = await exporter.scrapeUntil(
            'the port that hangs to be cut off',
            (now) => now.sum('xtrace_rdma_read_failures_total', { device: 'mlx5_0', reason: 'timeout' }) > 0,
          );
          const soft = shown.select('xtrace_roce_visibility', { interface: device });
          assert.deepEqual(
            soft.map(({ labels }) => [labels.get('rdma_device'), labels.get('state')]),
            [['rxe0', 'visible_soft']],
          );
          const received = RXE.ports[1]?.hwCounters?.['rcvd_pkts'];
          assert.equal(
            shown.sum('xtrace_rdma_hw_stats_total', { device: 'rxe0', counter: 'rcvd_pkts' }),
            received,
          );
          await assertRefreshing(exporter);
          // withExporter() asserts that it stops with exit code 0, while the reading still hangs.
        });
      } finally {
        sysfs.remove();
      }
    });
  },
);

async function assertRefreshing(exporter: Exporter): Promise<void> {
  const later = await scrapeAfterRefreshes(exporter, 5);
  assert.equal(later.sum('xtrace_refresh_failures_total'), 0);
}
