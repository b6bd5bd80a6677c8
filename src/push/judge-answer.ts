// SPDX-License-Identifier: Apache-2.0
// What an answer means for the batch that was sent, by the rules of remote write 1.0 and 2.0. Pure.

import type { PayloadFormat } from '../exposition/payload.js';
import { receiverName } from './describe-failure.js';
import type { Verdict } from './outcome.js';
import { parseRetryAfter } from './retry-after.js';

export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** At most 1 KiB of the body. */
  readonly bodyStart: string;
}

export interface JudgeContext {
  readonly url: URL;
  readonly format: PayloadFormat;
  readonly samples: number;
  readonly retryOn429: boolean;
  readonly wallMs: number;
}

export function judgeAnswer(answer: Answer, context: JudgeContext): Verdict {
  const { status } = answer;
  const { url, format, samples } = context;
  const isVersion2 = format === 'remote_write_2';
  if (status >= 200 && status < 300) {
    if (!isVersion2) return { kind: 'accepted', written: samples };
    if (hasWrittenHeader(answer)) return { kind: 'accepted', written: writtenSamples(answer, samples) };
    const sentence = `${receiverName(url)} answers ${status}, but does not say what it has written: it does not know remote write 2.0`;
    return { kind: 'not_understood', written: 0, sentence };
  }
  const sentence = describeAnswer(answer, url);
  if (status >= 400 && status < 500 && !(status === 429 && context.retryOn429)) {
    // Only receivers of 2.0 promise to tell; of another's answer nothing may be read into it.
    const written = isVersion2 ? writtenSamples(answer, samples) : 0;
    const isNotUnderstood = (status === 400 && written === 0) || status === 415;
    return { kind: isNotUnderstood ? 'not_understood' : 'refused', written, sentence };
  }
  return {
    kind: 'failed',
    sentence,
    retryAfterMs: parseRetryAfter(headerText(answer, 'retry-after'), context.wallMs),
    mayBeBatch: status >= 500 && ![502, 503, 504].includes(status),
  };
}

const WRITTEN_HEADERS = ['samples', 'histograms', 'exemplars'].map(
  (what) => `x-prometheus-remote-write-${what}-written`,
);

function hasWrittenHeader(answer: Answer): boolean {
  return WRITTEN_HEADERS.some((name) => headerText(answer, name) !== undefined);
}

/** A header that is missing, or is no number, stands for 0. */
function writtenSamples(answer: Answer, samples: number): number {
  const text = headerText(answer, 'x-prometheus-remote-write-samples-written')?.trim() ?? '';
  return /^\d+$/.test(text) ? Math.min(Number(text), samples) : 0;
}

function headerText(answer: Answer, name: string): string | undefined {
  const value = answer.headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

const WHAT_TO_DO: Readonly<Record<number, string>> = {
  101: 'it wants to speak another protocol; look at push.url',
  401: 'the login is missing or wrong; look at push.basic_auth and push.bearer_token_file',
  403: 'the login may not write there; look at push.basic_auth and push.bearer_token_file',
  404: 'there is nothing at this path; look at push.url',
  405: 'this path takes no POST; look at push.url',
  413: 'the batch is too large for it; lower push.batch_max_samples',
  429: 'it limits requests',
};

/** The status, what to do about it, and the receiver's own words as they are. */
export function describeAnswer(answer: Answer, url: URL): string {
  const { status, bodyStart } = answer;
  const location = headerText(answer, 'location');
  const advice =
    status >= 300 && status < 400 && location !== undefined
      ? `it redirects to ${withoutSecrets(location, url)}, which is not followed; set push.url to that`
      : WHAT_TO_DO[status];
  const parts = [`${receiverName(url)} answers ${status}`, advice].filter((part) => part !== undefined);
  const words = hideQuery(bodyStart.trim(), url);
  return words === '' ? parts.join(': ') : `${parts.join(': ')}; it says: ${words}`;
}

/** A receiver that redirects repeats our query, in which there may be a token, and may add a login. */
function withoutSecrets(location: string, url: URL): string {
  if (!URL.canParse(location)) return hideQuery(location, url);
  const target = new URL(location);
  if (target.username === '' && target.password === '' && target.search === '') return location;
  return `${target.protocol}//${target.host}${target.pathname}${target.search === '' ? '' : '?***'}`;
}

function hideQuery(text: string, url: URL): string {
  return url.search === '' ? text : text.replaceAll(url.search, '?***');
}
