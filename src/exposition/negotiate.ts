// SPDX-License-Identifier: Apache-2.0
// Which format and which coding a request gets: Accept and Accept-Encoding by RFC 9110, section 12.5,
// with Prometheus' rule that whoever asks for nothing we have gets text 0.0.4. Pure; never throws.

import { parseWeightedList, type WeightedElement } from './accept-header.js';
import type { ExpositionFormat } from './dialect.js';

export interface ChosenFormat {
  readonly format: ExpositionFormat;
  /** The whole value of Content-Type. */
  readonly contentType: string;
}

export type ContentCoding = 'identity' | 'gzip';

export const TEXT_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
export const OPENMETRICS_CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
export const PROTOBUF_CONTENT_TYPE =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';

interface Offer {
  readonly format: ExpositionFormat;
  readonly contentType: string;
  /** A range that means this one, too. */
  readonly wildcard?: string;
  readonly mediaType: string;
  /** What the parameters must be where a range has them. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Whether a range has to have them. */
  readonly isExact?: boolean;
}

/**
 * Other versions (text 1.0.0, openmetrics 0.0.1) are formats we do not have; a range without a
 * version takes ours. Text stands first: it wins where the client does not care. PrometheusProto is for
 * those who name it whole: the media type alone may mean any message.
 */
const OFFERS: readonly Offer[] = [
  {
    format: 'text',
    contentType: TEXT_CONTENT_TYPE,
    wildcard: 'text/*',
    mediaType: 'text/plain',
    parameters: { version: '0.0.4' },
  },
  {
    format: 'openmetrics',
    contentType: OPENMETRICS_CONTENT_TYPE,
    wildcard: 'application/*',
    mediaType: 'application/openmetrics-text',
    parameters: { version: '1.0.0' },
  },
  {
    format: 'protobuf',
    contentType: PROTOBUF_CONTENT_TYPE,
    mediaType: 'application/vnd.google.protobuf',
    parameters: { proto: 'io.prometheus.client.MetricFamily', encoding: 'delimited' },
    isExact: true,
  },
];

/** How exactly a range names an offer; 0 = not at all. */
const PRECISION = { none: 0, any: 1, type: 2, mediaType: 3, version: 4 } as const;

interface Match {
  readonly precision: number;
  /** Position in the header. */
  readonly order: number;
  readonly element: WeightedElement;
}

/**
 * accept: the header's value, undefined where there is none. The highest weight wins; of equals a
 * named type before a wildcard, then the one that stands first in the header.
 */
export function negotiateFormat(accept: string | undefined): ChosenFormat {
  const elements = parseWeightedList(accept ?? '');
  let best: { offer: Offer; match: Match } | undefined;
  for (const offer of OFFERS) {
    const match = matchOffer(offer, elements);
    if (match === undefined || match.element.weight === 0) continue;
    if (best === undefined || isPreferred(match, best.match)) best = { offer, match };
  }
  if (best === undefined || best.offer.format === 'text') {
    return { format: 'text', contentType: TEXT_CONTENT_TYPE };
  }
  const { format, contentType } = best.offer;
  const escaping = escapingParameter(best.match.element.parameters.get('escaping'));
  return { format, contentType: contentType + escaping };
}

/** The element that decides an offer's weight: the most exact one, whatever its weight. */
function matchOffer(offer: Offer, elements: readonly WeightedElement[]): Match | undefined {
  let best: Match | undefined;
  elements.forEach((element, order) => {
    const precision = precisionOf(offer, element);
    if (precision > (best?.precision ?? PRECISION.none)) best = { precision, order, element };
  });
  return best;
}

function precisionOf(offer: Offer, { value, parameters }: WeightedElement): number {
  if (value === '*/*') return offer.isExact === true ? PRECISION.none : PRECISION.any;
  if (value === offer.wildcard) return PRECISION.type;
  if (value !== offer.mediaType) return PRECISION.none;
  let precision: number = PRECISION.version;
  for (const [name, wanted] of Object.entries(offer.parameters)) {
    const given = parameters.get(name);
    if (given === undefined && offer.isExact !== true) precision = PRECISION.mediaType;
    else if (given !== wanted) return PRECISION.none;
  }
  return precision;
}

function isPreferred(match: Match, other: Match): boolean {
  if (match.element.weight !== other.element.weight) return match.element.weight > other.element.weight;
  // A version makes a name no better than another name.
  const precision = Math.min(match.precision, PRECISION.mediaType);
  const otherPrecision = Math.min(other.precision, PRECISION.mediaType);
  if (precision !== otherPrecision) return precision > otherPrecision;
  return match.order < other.order;
}

/** Schemes under which our names, all in the legacy character set, stand as they are. */
const ESCAPING_SCHEMES: readonly string[] = ['allow-utf-8', 'underscores', 'values'];

/**
 * Told only to those who ask, as OpenMetrics 1.0 knows no such parameter. `dots` would double every
 * underscore; it is answered with underscores, as unknown schemes are.
 */
function escapingParameter(asked: string | undefined): string {
  if (asked === undefined) return '';
  return `; escaping=${ESCAPING_SCHEMES.includes(asked) ? asked : 'underscores'}`;
}

/**
 * acceptEncoding: the header's value, undefined where there is none. gzip where it is wanted at least
 * as much as identity; who forbids both gets identity, as section 12.5.3 allows.
 */
export function negotiateCoding(acceptEncoding: string | undefined): ContentCoding {
  const elements = parseWeightedList(acceptEncoding ?? '');
  const weightOf = (...codings: string[]): number | undefined =>
    elements.find(({ value }) => codings.includes(value))?.weight;
  const any = weightOf('*');
  const gzip = weightOf('gzip', 'x-gzip') ?? any ?? 0;
  const identity = weightOf('identity');
  return gzip > 0 && gzip >= (identity ?? 0) ? 'gzip' : 'identity';
}
