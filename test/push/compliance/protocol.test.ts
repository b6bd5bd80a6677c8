// SPDX-License-Identifier: Apache-2.0
// What stands on the wire around the samples: method, headers, compression, symbols; and version 1.0
// as such.

import assert from 'node:assert/strict';
import { uncompressSync } from 'snappy';
import { decompress, type ReceivedPush } from '../../support/receivers/push-receiver.js';
import { requestV2Type, STALE_BITS, writeRequestType } from '../../support/receivers/remote-write-protos.js';
import { type CaseContext, inVersion1, inVersion2, runCases } from './case-runner.js';
import { family, histogram, MIXED, MIXED_SERIES } from './families.js';
import { nameOf, Received, type Version } from './sender-under-test.js';
import { fieldsOf, SHAPE_V1, SHAPE_V2 } from './wire-fields.js';

const VERSION_HEADER: Readonly<Record<Version, string>> = {
  remote_write_1: '0.1.0',
  remote_write_2: '2.0.0',
};
/** How a stream in snappy's framed format begins. */
const FRAMED = Buffer.from('ff060000734e61507059', 'hex');

/** Every request of three refreshes and an end of all series. */
async function everyRequest({ open }: Pick<CaseContext, 'open'>): Promise<readonly ReceivedPush[]> {
  const sender = await open({ push: { batchMaxSamples: 5 } });
  for (let i = 0; i < 3; i++) await sender.push(MIXED);
  await sender.line.close(5000);
  assert.ok(sender.pushes.length >= 4 * Math.ceil(MIXED_SERIES / 5), `${sender.pushes.length} requests`);
  return sender.pushes;
}

/** A case that must hold of every request. */
function ofEveryRequest(check: (push: ReceivedPush, version: Version) => void) {
  return async (context: CaseContext): Promise<void> => {
    for (const push of await everyRequest(context)) check(push, context.version);
  };
}

runCases('protocol', {
  content_type_protobuf: ofEveryRequest(({ headers }) =>
    assert.match(headers['content-type'] ?? '', /^application\/x-protobuf(;|$)/),
  ),
  content_type_with_proto_param: inVersion2(
    ofEveryRequest(({ headers }) =>
      assert.equal(headers['content-type'], 'application/x-protobuf;proto=io.prometheus.write.v2.Request'),
    ),
  ),
  content_encoding_snappy: ofEveryRequest(({ headers }) =>
    assert.equal(headers['content-encoding'], 'snappy'),
  ),
  version_header_present: ofEveryRequest(({ rawHeaders }) => {
    const names = rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
    assert.equal(names.filter((name) => name === 'x-prometheus-remote-write-version').length, 1);
  }),
  version_header_value: ofEveryRequest(({ headers }, version) =>
    assert.equal(headers['x-prometheus-remote-write-version'], VERSION_HEADER[version]),
  ),
  user_agent_present: ofEveryRequest(({ headers }) =>
    assert.equal(headers['user-agent'], 'xtrace-catch/1.2.3'),
  ),
  snappy_block_format: ofEveryRequest(({ body }) => {
    assert.ok(!body.subarray(0, FRAMED.length).equals(FRAMED), 'the framed format');
    assert.ok(uncompressSync(body, { asBuffer: true }).length > 0);
  }),
  protobuf_parseable: ofEveryRequest((push, version) => {
    const body = decompress(push);
    const isVersion1 = version === 'remote_write_1';
    const type = isVersion1 ? writeRequestType() : requestV2Type();
    assert.equal(type.verify(type.toObject(type.decode(body))), null);
    // Nothing is there that a decoder would pass over: reserved fields, native histograms, exemplars.
    assert.ok(fieldsOf(body, isVersion1 ? SHAPE_V1 : SHAPE_V2).size > 0);
    assert.ok(new Received(push).series.every(({ samples }) => samples.length === 1));
  }),
  HTTPMethod: ofEveryRequest(({ method, path, headers }) => {
    assert.deepEqual([method, path], ['POST', '/api/v1/write']);
    assert.equal(headers['transfer-encoding'], undefined);
  }),
});

const SHARED = [
  family('http_requests', [
    [{ service: 'api', method: 'GET' }, 100],
    [{ service: 'api', method: 'POST' }, 50],
    [{ service: 'web', method: 'GET' }, 200],
  ]),
  family('http_duration', [
    [{ service: 'api', method: 'GET' }, 0.5],
    [{ service: 'GET', method: 'service' }, 0.3],
  ]),
];

runCases('symbols', {
  empty_string_at_index_zero: inVersion2(
    ofEveryRequest((push) => assert.equal(new Received(push).request.symbols[0], '')),
  ),
  string_deduplication: inVersion2(async ({ open }) => {
    const { symbols } = (await (await open()).pushOne(SHARED)).request;
    assert.equal(new Set(symbols).size, symbols.length);
  }),
  labels_refs_valid_indices: inVersion2(
    ofEveryRequest((push) => {
      const { symbols, refs } = new Received(push).request;
      for (const ref of refs.flat())
        assert.ok(ref > 0 && ref < symbols.length, `${ref} of ${symbols.length}`);
    }),
  ),
  labels_refs_even_length: inVersion2(
    ofEveryRequest((push) => {
      const { refs } = new Received(push).request;
      assert.ok(refs.every((numbers) => numbers.length > 0 && numbers.length % 2 === 0));
    }),
  ),
  SymbolTableEfficiency: inVersion2(async ({ open }) => {
    const { symbols } = (await (await open()).pushOne(SHARED)).request;
    const needed = [
      '',
      '__name__',
      'http_requests',
      'http_duration',
      'service',
      'method',
      'api',
      'web',
      'GET',
    ];
    const ours = ['POST', 'job', 'instance', 'xtrace-catch'];
    const [instance, ...others] = symbols.filter((one) => ![...needed, ...ours].includes(one));
    assert.match(instance ?? '', /:10060$/);
    assert.deepEqual([others, symbols.length], [[], needed.length + ours.length + 1]);
  }),
});

runCases('rw1_compat', {
  rw1_version_header: inVersion1(
    ofEveryRequest(({ headers }) => assert.equal(headers['x-prometheus-remote-write-version'], '0.1.0')),
  ),
  rw1_content_type: inVersion1(
    ofEveryRequest(({ headers }) => assert.equal(headers['content-type'], 'application/x-protobuf')),
  ),
  rw1_samples_encoding: inVersion1(async ({ open }) => {
    const sender = await open();
    const atMs = Date.now();
    const { value, timestampMs } = (
      await sender.pushOne([family('x_total', 100, { type: 'counter' })], { atMs })
    ).one('x_total');
    assert.deepEqual([value, timestampMs], [100, atMs]);
    await sender.line.close(5000);
    const end = new Received(sender.pushes[1] ?? assert.fail('the series is not ended')).one('x_total');
    assert.deepEqual([end.bits, end.timestampMs > atMs], [STALE_BITS, true]);
  }),
  rw1_labels_encoding: inVersion1(async ({ open }) => {
    const { label } = (await (await open()).pushOne([family('x', [[{ label: 'value' }, 42]])])).one('x');
    assert.deepEqual([label['label'], label['__name__'], label['job']], ['value', 'x', 'xtrace-catch']);
  }),
  rw1_no_native_histograms: inVersion1(async ({ open }) => {
    const received = await (await open()).pushOne([
      histogram(
        'x_seconds',
        [
          ['1', 3],
          ['+Inf', 4],
        ],
        2.5,
      ),
    ]);
    assert.deepEqual(
      received.series.map(({ labels }) => nameOf(labels)),
      ['x_seconds_bucket', 'x_seconds_bucket', 'x_seconds_sum', 'x_seconds_count'],
    );
    fieldsOf(decompress(received.push), SHAPE_V1);
  }),
  rw1_no_start_timestamp: inVersion1(
    ofEveryRequest((push) => assert.ok(!fieldsOf(decompress(push), SHAPE_V1).has('1.2.3'))),
  ),
  // Field 3 of WriteRequest, which is not of the specification: none of it is sent.
  rw1_metadata_handling: inVersion1(
    ofEveryRequest((push) => assert.deepEqual([...fieldsOf(decompress(push), SHAPE_V1)].sort()[0], '1')),
  ),
  rw1_symbol_table_not_used: inVersion1(
    ofEveryRequest((push) => {
      const top = [...fieldsOf(decompress(push), SHAPE_V1)].filter((path) => !path.includes('.'));
      assert.deepEqual(top, ['1']);
    }),
  ),
  RemoteWrite1Configuration: inVersion1(async ({ open }) => {
    const sender = await open({ push: { format: 'auto' } }); // by the path of the URL: 1.0
    const { push } = await sender.pushOne(MIXED);
    assert.equal(push.headers['x-prometheus-remote-write-version'], '0.1.0');
    sender.assertBooks(MIXED_SERIES);
  }),
});
