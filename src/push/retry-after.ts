// SPDX-License-Identifier: Apache-2.0
// The header Retry-After (RFC 9110, 10.2.3): seconds, or a date in one of the three forms that
// recipients must take. Text -> milliseconds; what it is worth is not judged here.

/** IMF-fixdate, RFC 850 and asctime. Date.parse() would take "7.5" for a date, too. */
const DATE_FORMS = [
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/,
  /^[A-Z][a-z]+day, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/,
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/,
];

/** How long to wait; undefined for no header, a wrong one, and a date that has passed. */
export function parseRetryAfter(header: string | undefined, wallMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  if (!DATE_FORMS.some((form) => form.test(text))) return undefined;
  const dateMs = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return dateMs > wallMs ? dateMs - wallMs : undefined;
}
