// SPDX-License-Identifier: Apache-2.0
// What the specifications of remote write ask and no case of the suite does: the tests that hold it. That
// a test of the name is there is all that is asked here.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

const TESTS = join(import.meta.dirname, '..', '..', '..', '..', 'test');

/** Point -> file under test/, and the beginning of a title as it stands there. */
const HELD_BY: Readonly<Record<string, readonly (readonly [file: string, title: string])[]>> = {
  'POST, exactly, and the whole URL': [
    ['push/wire.test.ts', 'remote write 1.0: POST, the whole URL, the four headers'],
    ['push/compliance/protocol.test.ts', 'HTTPMethod'],
  ],
  '__name__ after capitals, before small letters': [
    ['exposition/remote-write/encode.long.test.ts', 'a name in capitals sorts before __name__'],
    ['push/compliance/labels.test.ts', 'label_lexicographic_ordering'],
  ],
  'an empty value is left out': [
    ['exposition/remote-write/encode.long.test.ts', 'own labels win over external ones, empty ones too'],
    ['exposition/remote-write/encode.long.test.ts', 'a flow label with an empty value is left out'],
    ['push/compliance/labels.test.ts', 'label_values_may_be_empty'],
  ],
  'the bits of a stale marker, when a series ends and at a stop': [
    [
      'exposition/remote-write/stale.long.test.ts',
      'a series that ends gets one marker for each of its metrics',
    ],
    [
      'exposition/remote-write/stale.long.test.ts',
      'after each whole push exactly the series of /metrics are live',
    ],
    [
      'exposition/remote-write/encode.long.test.ts',
      'every double arrives with its bits; NaN is never a stale marker',
    ],
    ['push/compliance/payloads.test.ts', 'stale_marker'],
    ['e2e/push-staleness.test.ts', 'a flow that ends is gone with the next push'],
  ],
  'Retry-After: seconds, a date, a date that has passed, far too long': [
    ['push/retries.test.ts', "['seconds, 503'"],
    ['push/retries.test.ts', "['a date', 503"],
    ['push/retries.test.ts', "['a date that has passed is ignored'"],
    ['push/retries.test.ts', "['more than the longest'"],
    ['push/retry-after.test.ts', 'Saturday, 31-Jan-26 12:00:30 GMT'],
  ],
  'the samples of a series in order, over tries': [
    ['push/queue.test.ts', 'law: whatever the receiver answers, samples arrive in order, once'],
    ['push/retries.test.ts', 'new batches wait their turn'],
    ['push/compliance/samples.test.ts', 'timestamp_ordering_within_series'],
  ],
  'headers of the configuration override none of ours': [
    ['push/dialect.test.ts', 'headers of the configuration are sent along, but override none of ours'],
    ['config/push-settings.test.ts', 'cannot be overridden'],
  ],
  '2.0 answered with 2xx and no word of what is written: 1.0': [
    ['push/wire.test.ts', '2.0 to a receiver that reads everything as 1.0 and answers 204'],
    ['push/fallback.test.ts', '204 without a word of what is written'],
    ['push/judge-answer.test.ts', '2xx without any Written header'],
    ['e2e/push-receivers.test.ts', 'remote write 2.0, which this'],
  ],
  '415 and 400 that are real, and what is remembered of them': [
    ['push/fallback.test.ts', 'the same batch as 1.0 at once, and 1.0 from then on'],
    ['push/fallback.test.ts', 'the same batch in snappy at once, and snappy from then on'],
    ['push/fallback.test.ts', 'what was found is kept while the receiver is away'],
    ['push/fallback.test.ts', 'a failure of the second try leaves it open'],
    ['push/compliance/sending.test.ts', 'persistent_fallback_choice'],
    ['e2e/push-receivers.test.ts', 'zstd, which this'],
    ['e2e/push-later-receivers.test.ts', 'zstd, which prometheus does not know'],
  ],
  'what the queue drops is counted': [
    ['push/queue.test.ts', 'the queue never grows past its limit, and the oldest go first, counted'],
    ['push/queue.test.ts', 'a payload that is larger than the whole queue is dropped alone'],
    ['push/spool-trouble.test.ts', 'at its limit the oldest go first, counted'],
  ],
};

describe('what no case asks for', () => {
  for (const [point, tests] of Object.entries(HELD_BY)) {
    test(point, () => {
      for (const [file, title] of tests) {
        const text = readFileSync(join(TESTS, file), 'utf8').replace(/\s+/g, ' ');
        assert.ok(text.includes(title), `${file} has no test "${title}"`);
      }
    });
  }
});
