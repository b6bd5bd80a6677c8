// SPDX-License-Identifier: Apache-2.0
// What the driver writes into the frames of the packet path's benches hits the fields it is meant for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { costsOfRound } from '../../bench/datapath.js';
import {
  datapathRows,
  realDatapathRows,
  renderTrafficRow,
  type TrafficRow,
} from '../../bench/datapath-rows.js';
import { FRAMING, KIND } from '../../src/abi/kinds.js';
import { parseFrame } from '../support/oracle/reference-parser.js';

/** As driver.bpf.c does for a flow. */
function writeFlow(row: TrafficRow, flow: number, psn: number): Buffer {
  const frame = Buffer.from(row.frame);
  frame.writeUInt32BE(0x0a630000 + flow, row.addressOffset);
  frame.writeUInt16BE(flow, row.portOffset);
  if (row.qpOffset > 0) frame.writeUInt16BE(flow, row.qpOffset);
  if (row.psnOffset > 0) frame.writeUInt32BE(psn, row.psnOffset);
  return frame;
}

test('a flow has an address, a port and, of RoCE, a queue pair of its own', () => {
  for (const row of datapathRows()) {
    const found = parseFrame(writeFlow(row, 0x1234, 7), FRAMING.ethernet);
    assert.match(found.srcIp, /10\.99\.18\.52$|a63:1234$/, row.packet);
    assert.equal(found.srcPort, 0x1234, row.packet);
    const isRoce = row.packet.startsWith('RoCE');
    assert.equal(found.kind === KIND.roceV2, isRoce, row.packet);
    assert.equal(found.qp, isRoce ? 0x011234 : 0, row.packet);
    assert.equal(row.comparedWith !== undefined, isRoce, row.packet);
  }
});

test('a stream is of WRITEs of 1,024 bytes, and its PSN is of 24 bits', () => {
  const row = datapathRows().find(({ packet }) => packet === 'RoCEv2/IPv4');
  assert.ok(row !== undefined);
  const bth = writeFlow(row, 1, 0xabcdef).subarray(14 + 20 + 8);
  assert.equal(bth[0], 0x07);
  assert.equal(bth.readUIntBE(9, 3), 0xabcdef);
  assert.equal(bth.length, 12 + 1024 + 4);
});

test('every row of RoCE has a row of TCP beside it, of as many flows and the same burst', () => {
  const rows = datapathRows();
  for (const row of rows.filter(({ comparedWith }) => comparedWith !== undefined)) {
    const beside = rows.filter(
      ({ packet, flows, burst }) => packet === row.comparedWith && flows === row.flows && burst === row.burst,
    );
    assert.equal(beside.length, 1, renderTrafficRow({ ...row, frame: Buffer.alloc(0) }));
  }
});

test('rows fit the runners: powers of two, frames of 1,280 bytes at most, 32 rows at most', () => {
  const rows = [...datapathRows(), ...realDatapathRows()];
  assert.ok(datapathRows().length <= 32);
  for (const { packet, flows, burst, frame, psnOffset } of rows) {
    assert.ok(Number.isInteger(Math.log2(flows)) && Number.isInteger(Math.log2(burst)), packet);
    assert.ok(frame.length <= 1280 && psnOffset < 128, packet);
  }
});

test('a round is above the empty program, and only the reference may have counted nothing', () => {
  const { baseline, reference, ours } = costsOfRound([20, 45, null, 70, 30, 30]);
  assert.deepEqual([baseline, reference, ours], [25, Number.NaN, 10]);
  assert.throws(() => costsOfRound([20, 45, 60, null, 30, 30]), /counted no packets/);
});
