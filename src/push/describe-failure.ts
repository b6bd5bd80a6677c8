// SPDX-License-Identifier: Apache-2.0
// Why a request got no answer: an error of Node's -> a short code for metrics and one clause for
// people, which says what is wrong and what to do. Pure; no secret of the URL is in it.

/** Values of the label code of xtrace_push_requests_total where there was no status. */
export type FailureCode =
  | 'refused'
  | 'reset'
  | 'timeout'
  | 'dns'
  | 'unreachable'
  | 'tls'
  | 'not_http'
  | 'file'
  | 'error';

export interface Failure {
  readonly code: FailureCode;
  readonly sentence: string;
}

/** The request took longer than push.timeout_ms. */
export class PushTimeoutError extends Error {}

/** The other side does not keep to HTTP; the message is a clause. */
export class PushProtocolError extends Error {}

/** A file that a request needs cannot be read; the message is a sentence. */
export class PushFileError extends Error {}

export interface FailureContext {
  readonly url: URL;
  readonly timeoutMs: number;
}

export function describeFailure(error: unknown, { url, timeoutMs }: FailureContext): Failure {
  const where = receiverName(url);
  if (error instanceof PushFileError) return { code: 'file', sentence: error.message };
  if (error instanceof PushTimeoutError) {
    return { code: 'timeout', sentence: `${where} did not answer within ${timeoutMs} ms (push.timeout_ms)` };
  }
  if (error instanceof PushProtocolError) {
    return { code: 'not_http', sentence: `${where} does not answer as HTTP servers do: ${error.message}` };
  }
  const code = codeOf(error);
  return (
    describeNetwork(code, where, url) ??
    describeTls(code, error, where, url) ?? { code: 'error', sentence: `${where}: ${messageOf(error)}` }
  );
}

/** `host:port`, as people know it. */
export function receiverName(url: URL): string {
  return url.port === '' ? `${url.hostname}:${url.protocol === 'https:' ? 443 : 80}` : url.host;
}

function describeNetwork(code: string, where: string, url: URL): Failure | undefined {
  switch (code) {
    case 'ECONNREFUSED':
      return { code: 'refused', sentence: `nothing listens at ${where} (connection refused)` };
    case 'ECONNRESET':
    case 'EPIPE':
      return { code: 'reset', sentence: `${where} closed the connection without an answer (${code})` };
    case 'ENOTFOUND':
      return { code: 'dns', sentence: `there is no host named ${url.hostname} (${code}); look at push.url` };
    case 'EAI_AGAIN':
      return { code: 'dns', sentence: `the name ${url.hostname} cannot be looked up now (${code})` };
    case 'ETIMEDOUT':
      return { code: 'timeout', sentence: `${where} did not take the connection in time (${code})` };
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
    case 'EACCES':
    case 'EPERM':
      return {
        code: 'unreachable',
        sentence: `${where} cannot be reached (${code}); check routes and firewalls`,
      };
    default:
      if (!code.startsWith('HPE_')) return undefined;
      return {
        code: 'not_http',
        sentence: `${where} does not answer in HTTP (${code}); if it speaks TLS, push.url must start with https://`,
      };
  }
}

/** By OpenSSL's names, which Node passes on as codes. */
const CERTIFICATE_FAULTS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'is signed by itself; name it or its CA in push.tls.ca_file',
  SELF_SIGNED_CERT_IN_CHAIN: 'comes from a CA that is not trusted here; name that in push.tls.ca_file',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'comes from a CA that is not known here; name that in push.tls.ca_file',
  UNABLE_TO_GET_ISSUER_CERT: 'comes from a CA that is not known here; name that in push.tls.ca_file',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'comes from a CA that is not known here; name that in push.tls.ca_file',
  CERT_SIGNATURE_FAILURE: 'is not signed by the CA of push.tls.ca_file',
  CERT_HAS_EXPIRED: 'has expired; it must be renewed there',
  CERT_NOT_YET_VALID: 'is not valid yet; compare the clocks of both hosts',
  CERT_REVOKED: 'has been revoked',
  CERT_UNTRUSTED: 'is not trusted for this purpose',
  INVALID_PURPOSE: 'is not meant for a server',
  INVALID_CA: 'comes from something that is no CA',
};

function describeTls(code: string, error: unknown, where: string, url: URL): Failure | undefined {
  const fault = CERTIFICATE_FAULTS[code];
  if (fault !== undefined) return { code: 'tls', sentence: `the certificate of ${where} ${fault} (${code})` };
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const match = /in the cert's (?:altnames|list): (.*)$|is not cert's (CN: .*)$/.exec(messageOf(error));
    const names = match?.[1] ?? match?.[2] ?? 'another host';
    return {
      code: 'tls',
      sentence: `the certificate of ${where} is for ${names}; use that name in push.url, or set push.tls.server_name`,
    };
  }
  const message = messageOf(error);
  if (
    /wrong version number|packet length too long|http request/i.test(message) &&
    url.protocol === 'https:'
  ) {
    return { code: 'tls', sentence: `${where} does not speak TLS; push.url must start with http://` };
  }
  if (/certificate.required|bad.certificate|unknown.ca|handshake.failure/i.test(`${code} ${message}`)) {
    return {
      code: 'tls',
      sentence: `${where} refuses the TLS connection (${code}); it may want another client certificate: push.tls.cert_file`,
    };
  }
  if (/^ERR_(?:OSSL|SSL|TLS)|^EPROTO$/.test(code)) {
    return { code: 'tls', sentence: `TLS with ${where} fails: ${message}` };
  }
  return undefined;
}

/** With several addresses Node gives one error for all; the last is as good as any. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors.at(-1));
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

/** On one line. */
function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, ' ').trim();
}
