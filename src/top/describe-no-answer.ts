// SPDX-License-Identifier: Apache-2.0
// Why an exporter gave no answer that could be used, and what to do: one clause each, without a full stop.

import { renderVisible } from '../print/visible-text.js';

/** error: what Node threw. */
export function describeNoAnswer(
  error: unknown,
  { shown, timeoutMs }: { readonly shown: string; readonly timeoutMs: number },
): string {
  if (error instanceof SyntaxError)
    return `${shown} answers, but with no JSON: is it an xtrace-catch exporter?`;
  if (error instanceof Error && 'limitBytes' in error) {
    return `${shown} answers with more than ${Number(error.limitBytes) / 1_000_000} MB: is it an xtrace-catch exporter?`;
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const name = error instanceof Error ? error.name : '';
  if (name === 'TimeoutError' || name === 'AbortError')
    return `${shown} does not answer within ${timeoutMs / 1000} s`;
  switch (code) {
    case 'ECONNREFUSED':
      return `nothing listens at ${shown}`;
    case 'ENOENT':
      return `there is no socket ${shown}`;
    case 'EACCES':
    case 'EPERM':
      return `${shown}: permission denied (${code})`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${shown}: its name cannot be resolved (${code})`;
    case 'ECONNRESET':
      return `${shown} has cut the connection (is it https?)`;
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
      return `${shown} cannot be reached (${code})`;
    case 'ENOTSOCK':
      return `${shown} is no socket`;
    default:
      return describeRest(error, code, shown);
  }
}

/** Of OpenSSL and Node's TLS: the certificate is not trusted, or not of this name. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS/;

function describeRest(error: unknown, code: string, shown: string): string {
  const message = renderVisible(error instanceof Error ? error.message : String(error)).slice(0, 200);
  if (CERTIFICATE.test(code)) {
    return `${shown}: its certificate is not trusted (${message}): give the name in it with --url, --ca-file, or --insecure`;
  }
  if (code.startsWith('HPE_'))
    return `${shown} does not speak HTTP (${message}): is it https, or another program?`;
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) {
    return `${shown}: TLS fails (${message}): is it http, or does it ask for a certificate (--cert-file)?`;
  }
  return `${shown}: ${message}${code === '' ? '' : ` (${code})`}`;
}

/** own: what the answer itself says; empty where that is no plain text. */
export function describeStatus(status: number, own: string, shown: string): string {
  const said = own.replace(/\.$/, '');
  switch (status) {
    case 401:
      return `${shown} asks for a login: give --user and --password-file`;
    case 404:
      return said === '' ? `${shown} has no /api/v1/: is it an xtrace-catch exporter?` : said;
    case 429:
      return `${shown} has a rate limit, which this has reached`;
    default:
      if (status >= 300 && status < 400)
        return `${shown} sends elsewhere (${status}): give that address with --url`;
      return said === '' ? `${shown} answers with status ${status}` : said;
  }
}
