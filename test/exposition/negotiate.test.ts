// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { negotiateCoding, negotiateFormat } from '../../src/exposition/negotiate.js';

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';
const OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
const PROTOBUF =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';
const ASKED_PROTOBUF =
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';

const FORMATS: readonly (readonly [what: string, accept: string | undefined, contentType: string])[] = [
  ['no header', undefined, TEXT],
  ['an empty header', '', TEXT],
  ['anything', '*/*', TEXT],
  [
    'Prometheus 2.42',
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
    OPENMETRICS,
  ],
  [
    'Prometheus 3',
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
    `${OPENMETRICS}; escaping=allow-utf-8`,
  ],
  [
    'Prometheus 3 that prefers protobuf',
    'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.6,text/plain;version=0.0.4;q=0.3',
    PROTOBUF,
  ],
  [
    'Prometheus 3 that prefers protobuf and says how it takes names',
    `${ASKED_PROTOBUF};escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1`,
    `${PROTOBUF}; escaping=allow-utf-8`,
  ],
  ['protobuf alone', ASKED_PROTOBUF, PROTOBUF],
  ['protobuf that weighs less', `${ASKED_PROTOBUF};q=0.4,text/plain;version=0.0.4;q=0.5`, TEXT],
  ['protobuf refused', `${ASKED_PROTOBUF};q=0,*/*`, TEXT],
  ['protobuf of another message', 'application/vnd.google.protobuf;proto=x.Y;encoding=delimited', TEXT],
  [
    'protobuf in another encoding',
    'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text',
    TEXT,
  ],
  ['protobuf without saying of what', 'application/vnd.google.protobuf', TEXT],
  ['vmagent', 'text/plain;version=0.0.4;q=1,*/*;q=0.1', TEXT],
  ['a browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8', TEXT],
  ['only openmetrics 0.0.1, which is not 1.0.0', 'application/openmetrics-text;version=0.0.1', TEXT],
  ['openmetrics 0.0.1 before text', 'application/openmetrics-text;version=0.0.1,text/plain;q=0.1', TEXT],
  ['openmetrics without a version', 'application/openmetrics-text', OPENMETRICS],
  ['only text 1.0.0', 'text/plain;version=1.0.0', TEXT],
  [
    'a higher weight',
    'text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.6',
    OPENMETRICS,
  ],
  ['a lower weight', 'text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5', TEXT],
  ['equal weights, text first', 'text/plain,application/openmetrics-text;version=1.0.0', TEXT],
  ['equal weights, openmetrics first', 'application/openmetrics-text;version=1.0.0,text/plain', OPENMETRICS],
  ['a name before a wildcard', '*/*,application/openmetrics-text', OPENMETRICS],
  ['a wildcard that weighs more', '*/*;q=0.9,application/openmetrics-text;q=0.5', TEXT],
  ['a wildcard type', 'application/*', OPENMETRICS],
  ['a wildcard type, text', 'text/*;q=0.3,application/*;q=0.2', TEXT],
  ['text refused, anything else', 'text/plain;q=0,*/*', OPENMETRICS],
  ['everything refused', '*/*;q=0', TEXT],
  ['openmetrics refused', 'application/openmetrics-text;q=0,*/*;q=0.1', TEXT],
  ['nothing we have', 'image/png', TEXT],
  [
    'spaces and capitals',
    'Application/OpenMetrics-Text ; Version=1.0.0 ; Q=0.8 , text/plain;q=0.5',
    OPENMETRICS,
  ],
  ['a quoted version', 'application/openmetrics-text;version="1.0.0"', OPENMETRICS],
  ['a comma within quotes', 'text/plain;x="a,application/openmetrics-text";q=0.1', TEXT],
  [
    'a weight that is none, so the range is none',
    'application/openmetrics-text;q=high,text/plain;q=0.1',
    TEXT,
  ],
  ['a weight without its zero', 'application/openmetrics-text;q=.9,text/plain;q=0.8', OPENMETRICS],
  [
    'escaping=values',
    'application/openmetrics-text;version=1.0.0;escaping=values',
    `${OPENMETRICS}; escaping=values`,
  ],
  [
    'escaping=dots, which our names do not fit',
    'application/openmetrics-text;version=1.0.0;escaping=dots',
    `${OPENMETRICS}; escaping=underscores`,
  ],
  [
    'an escaping that would break the header',
    'application/openmetrics-text;version=1.0.0;escaping="x\\";y=\\"z"',
    `${OPENMETRICS}; escaping=underscores`,
  ],
];

for (const [what, accept, contentType] of FORMATS) {
  test(`Accept: ${what}`, () => {
    const chosen = negotiateFormat(accept);
    assert.equal(chosen.contentType, contentType);
    const format = contentType.startsWith(PROTOBUF) ? 'protobuf' : 'openmetrics';
    assert.equal(chosen.format, contentType === TEXT ? 'text' : format);
  });
}

const CODINGS: readonly (readonly [acceptEncoding: string | undefined, coding: string])[] = [
  [undefined, 'identity'],
  ['', 'identity'],
  ['gzip', 'gzip'],
  ['GZip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['identity', 'identity'],
  ['gzip, deflate, br', 'gzip'],
  ['gzip;q=0', 'identity'],
  ['gzip;q=0.0, *', 'identity'],
  ['*', 'gzip'],
  ['*;q=0', 'identity'],
  ['identity;q=0', 'identity'],
  ['identity;q=0, gzip;q=0.1', 'gzip'],
  ['identity;q=0.5, gzip;q=0.5', 'gzip'],
  ['identity;q=1, gzip;q=0.5', 'identity'],
  ['zstd, br', 'identity'],
  ['gzip;q=banana', 'identity'],
];

for (const [acceptEncoding, coding] of CODINGS) {
  test(`Accept-Encoding: ${acceptEncoding ?? 'no header'} gives ${coding}`, () => {
    assert.equal(negotiateCoding(acceptEncoding), coding);
  });
}

test('no header makes negotiation throw or answer what it does not offer', () => {
  const part = fc.constantFrom(
    ...[
      'text/plain',
      'application/openmetrics-text',
      '*/*',
      'gzip',
      ';',
      ',',
      '=',
      'q',
      '"',
      '\\',
      ' ',
      '0.5',
      'version',
      '1.0.0',
    ],
  );
  const header = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(part).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(header, (text) => {
      assert.match(
        negotiateFormat(text).contentType,
        /^(?:text\/plain; version=0\.0\.4|application\/openmetrics-text; version=1\.0\.0); charset=utf-8(?:; escaping=[a-z0-9-]+)?$/,
      );
      assert.match(negotiateCoding(text), /^(?:identity|gzip)$/);
    }),
    { numRuns: 2000 },
  );
});
