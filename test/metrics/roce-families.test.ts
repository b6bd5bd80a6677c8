// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROCE_CELL, ROCE_SIZE_BOUNDS } from '../../src/abi/roce-records.js';
import { bookFamilies } from '../../src/metrics/book-families.js';
import type { Family } from '../../src/metrics/definition.js';
import { ROCE_METRICS, roceFamilies } from '../../src/metrics/roce-families.js';
import { ROCE_PAIR_LABELS, roceAddressText } from '../../src/metrics/roce-labels.js';
import { ROCE_SIZE_BUCKETS } from '../../src/metrics/roce-sizes.js';
import { createRocePairs } from '../../src/roce/roce-pairs.js';
import { FIXED_LABELS } from '../support/exposition/series-fixture.js';
import { FIXED_BOOKS } from '../support/metrics/fixed-metrics.js';
import { createFixedPairs, fixedRoceFamilies } from '../support/metrics/fixed-roce.js';
import { roceRowsOf, type StreamSpec, streamKey } from '../support/roce/roce-rows.js';

const families = new Map((await fixedRoceFamilies()).map((family) => [family.name, family]));

/** Extra labels -> value of the samples that have these pair labels; one line each. */
function told(metric: string, pair: Readonly<Record<string, string>>, from = families): string[] {
  const family = from.get(`xtrace_roce_${metric}`);
  assert.ok(family !== undefined, metric);
  return family.samples
    .filter(({ labels }) => Object.entries(pair).every(([k, v]) => new Map(labels).get(k) === v))
    .map(({ labels, suffix, value }) => {
      const extra = labels.filter(([name]) => !(ROCE_PAIR_LABELS as readonly string[]).includes(name));
      return `${suffix}${extra.map(([name, text]) => `${name}=${text} `).join('')}${value}`;
    });
}

const THERE = { src_ip: '10.0.0.1', dst_ip: '10.0.0.2', interface: 'eth0' };
const BACK = { src_ip: '10.0.0.2', dst_ip: '10.0.0.1', interface: 'eth0' };
const GID = { src_ip: 'fe80::200:0:0:1', dst_ip: '10.0.0.9', interface: 'ib0' };

test('the order is that of the catalogue; pause frames come with the books', () => {
  assert.deepEqual(
    [...families.keys()],
    ROCE_METRICS.map(({ name }) => name),
  );
  const pause = bookFamilies(FIXED_BOOKS, FIXED_LABELS).at(-1);
  assert.equal(pause?.name, 'xtrace_roce_mac_pause_frames_total');
  assert.deepEqual(
    pause?.samples.map(({ labels, value }) => [...labels.map(([, text]) => text), value]),
    [
      ['eth0', 'ingress', 'pause', 1],
      ['eth0', 'ingress', 'pfc', 2],
    ],
  );
});

test('packets, bytes and payload by version, transport and DSCP; malformed ones are in none', () => {
  assert.deepEqual(told('packets_total', THERE), [
    'version=v2 transport=rc dscp=26 1010',
    'version=v2 transport=ud dscp=0 4',
  ]);
  assert.deepEqual(told('bytes_total', THERE), [
    'version=v2 transport=rc dscp=26 1100000',
    'version=v2 transport=ud dscp=0 1288',
  ]);
  assert.deepEqual(told('payload_bytes_total', THERE), [
    'version=v2 transport=rc dscp=26 1024000',
    'version=v2 transport=ud dscp=0 0',
  ]);
  assert.deepEqual(told('packets_total', BACK), [
    'version=v2 transport=rc dscp=0 30',
    'version=v2 transport=cnp dscp=48 5',
  ]);
  assert.deepEqual(told('packets_total', GID), ['version=v1 transport=uc dscp=0 7']);
});

test('operations that were seen, and no others', () => {
  assert.deepEqual(told('operations_total', THERE), [
    'operation=send 8',
    'operation=write 9',
    'operation=read 10',
    'operation=compare_swap 11',
    'operation=fetch_add 12',
    'operation=atomic_write 13',
    'operation=flush 14',
  ]);
  assert.deepEqual(told('operations_total', BACK), []);
});

test('sizes: cumulative, the last bound 1 GiB, and what is above', () => {
  const write = told('operation_bytes', THERE).slice(0, 16);
  assert.equal(ROCE_SIZE_BUCKETS.length, ROCE_SIZE_BOUNDS);
  assert.deepEqual(write.slice(0, 3), [
    '_bucketoperation=write le=64.0 1',
    '_bucketoperation=write le=256.0 3',
    '_bucketoperation=write le=1024.0 3',
  ]);
  assert.deepEqual(write.slice(12), [
    '_bucketoperation=write le=1073741824.0 3',
    '_bucketoperation=write le=+Inf 9',
    '_sumoperation=write 2147483648',
    '_countoperation=write 9',
  ]);
  const read = told('operation_bytes', THERE).slice(16);
  assert.equal(read[0], '_bucketoperation=read le=64.0 10');
  assert.equal(read.at(-2), '_sumoperation=read 640');
  assert.deepEqual(told('operation_bytes', BACK), []);
});

test('answers: every NAK reason, zeros too; the delay in seconds', () => {
  assert.deepEqual(told('acks_total', BACK), ['8']);
  assert.deepEqual(told('naks_total', BACK), [
    'reason=psn_sequence_error 1',
    'reason=invalid_request 2',
    'reason=remote_access_error 3',
    'reason=remote_operational_error 4',
    'reason=invalid_rd_request 5',
    'reason=reserved 6',
  ]);
  assert.deepEqual(
    told('naks_total', THERE).map((line) => line.split(' ')[1]),
    ['0', '0', '0', '0', '0', '0'],
  );
  assert.deepEqual(told('rnr_naks_total', BACK), ['2']);
  assert.deepEqual(told('rnr_requested_delay_seconds_total', BACK), ['0.656']);
});

test('congestion: cell 1 is ECT(1), cell 2 ECT(0); BECN of CNPs is not told twice', () => {
  assert.deepEqual(told('ecn_packets_total', THERE), [
    'codepoint=not_ect 5',
    'codepoint=ect0 900',
    'codepoint=ect1 2',
    'codepoint=ce 97',
  ]);
  assert.deepEqual(told('cnp_packets_total', BACK), ['5']);
  assert.deepEqual(told('cnp_packets_total', THERE), ['0']);
  assert.deepEqual([told('fecn_packets_total', THERE), told('becn_packets_total', THERE)], [['3'], ['4']]);
  assert.deepEqual(told('becn_packets_total', BACK), ['0']);
});

test('bits, connection managers, partitions, malformed packets', () => {
  assert.deepEqual(told('solicited_event_packets_total', THERE), ['5']);
  assert.deepEqual(told('ack_request_packets_total', THERE), ['6']);
  assert.deepEqual(told('cm_messages_total', THERE), ['4']);
  assert.deepEqual(told('cm_messages_total', BACK), ['0']);
  assert.deepEqual(told('partition_packets_total', THERE), ['pkey=0x8001 10']);
  assert.deepEqual(told('partition_packets_total', BACK), []);
  assert.deepEqual(told('malformed_packets_total', THERE), [
    'reason=short 1',
    'reason=transport_version 2',
    'reason=opcode 3',
    'reason=length 7',
  ]);
  assert.deepEqual(told('malformed_packets_total', GID), []);
});

test('the order of PSNs, for transports that were seen and have one', () => {
  assert.deepEqual(told('psn_gaps_total', THERE), ['transport=rc 15']);
  assert.deepEqual(told('psn_gap_packets_total', THERE), ['transport=rc 160']);
  assert.deepEqual(told('psn_rewinds_total', THERE), ['transport=rc 17']);
  assert.deepEqual(told('retransmitted_packets_total', THERE), ['transport=rc 180']);
  assert.deepEqual(told('psn_resyncs_total', THERE), ['transport=rc 1']);
  assert.deepEqual(told('psn_gaps_total', GID), ['transport=uc 0']);
});

test('spread over queue pairs and ports, in the last interval', () => {
  assert.deepEqual(told('queue_pairs_active', THERE), ['2']);
  assert.deepEqual(told('udp_source_ports_active', THERE), ['2']);
  assert.deepEqual(told('queue_pair_bytes_max_ratio', THERE), [String(1_090_000 / 1_100_000)]);
  assert.deepEqual(told('udp_source_ports_active', GID), ['0'], 'RoCE v1 has no ports');
  assert.deepEqual(told('queue_pairs_active', BACK), ['1'], 'a CNP opens no queue pair');
});

test('what is in no pair, and how many pairs there are', () => {
  const rows = (metric: string) =>
    families
      .get(`xtrace_roce_${metric}`)
      ?.samples.map(({ labels, value }) => [...labels.map(([, text]) => text), value].join(' '));
  const names = '192.168.1.10 rack "7"\\a';
  assert.deepEqual(rows('other_packets_total'), [
    `eth0 ingress v2 map_full ${names} 11`,
    `eth0 ingress v2 max_pairs ${names} 2`,
    `eth0 ingress malformed max_pairs ${names} 1`,
  ]);
  assert.deepEqual(
    rows('other_bytes_total')?.map((row) => row.split(' ').at(-1)),
    ['1100', '200', '60'],
  );
  assert.deepEqual([rows('pairs'), rows('pairs_limit')], [['3'], ['3']]);
});

test('queue pairs told apart are a label of all but the gauges, which are about all of them', async () => {
  const byQueuePair = new Map((await fixedRoceFamilies(true)).map((family) => [family.name, family]));
  assert.deepEqual(told('acks_total', THERE, byQueuePair), [
    'queue_pair=17 0',
    'queue_pair=18 0',
    'queue_pair=1 0',
    'queue_pair=0 0',
  ]);
  assert.deepEqual(told('packets_total', { ...THERE, queue_pair: '18' }, byQueuePair), [
    'queue_pair=18 version=v2 transport=rc dscp=26 10',
  ]);
  assert.deepEqual(told('queue_pairs_active', THERE, byQueuePair), ['2']);
  for (const { name, samples } of byQueuePair.values()) {
    const series = samples.map(({ labels, suffix }) => JSON.stringify([suffix, labels]));
    assert.equal(new Set(series).size, series.length, `${name} has a series twice`);
  }
});

test('an address is told as what it is', () => {
  const text = (src: readonly number[]): string =>
    roceAddressText(new Uint32Array(streamKey({ src }).buffer), 0);
  assert.equal(text([192, 168, 0, 1]), '192.168.0.1');
  assert.equal(text([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), '2001:db8::1');
  assert.equal(text(new Array<number>(16).fill(0)), '::');
});

test('the event loop turns between some hundred samples, whatever the number of pairs', async () => {
  const streams = Array.from(
    { length: 1000 },
    (_, i): StreamSpec => ({ src: [10, 1, i >> 8, i & 255], cells: { [ROCE_CELL.writes]: 1 } }),
  );
  const many = createRocePairs(
    {
      maxPairs: 1000,
      idleTimeoutMs: 300_000,
      intervalMs: 5000,
      perQueuePair: false,
      ipv4PrefixLength: 32,
      ipv6PrefixLength: 128,
      hashSeed: 1,
    },
    { yieldToLoop: async () => undefined },
  );
  await many.apply(roceRowsOf(streams), [], 0);
  let turns = 0;
  const made: Family[] = await roceFamilies(many.view, FIXED_LABELS, {
    yieldToLoop: async () => {
      turns++;
    },
  });
  const samples = made.reduce((sum, family) => sum + family.samples.length, 0);
  assert.ok(samples > 30_000, `${samples} samples`);
  assert.ok(turns > samples / 1000, `${turns} turns for ${samples} samples`);
});

test('an empty table declares its metrics', async () => {
  const { view } = await createFixedPairs();
  const empty = { ...view, pairs: [], paths: [], others: [] };
  const made = await roceFamilies(empty, FIXED_LABELS, { yieldToLoop: async () => undefined });
  assert.equal(made.length, families.size);
  assert.deepEqual(
    made.filter(({ samples }) => samples.length > 0).map(({ name }) => name),
    ['xtrace_roce_pairs', 'xtrace_roce_pairs_limit', 'xtrace_roce_psn_unbooked_packets_total'],
  );
});
