// SPDX-License-Identifier: Apache-2.0
// The push section: which format is meant, and what of it does not go together. Pure.

import type { ConfigProblem } from '../errors.js';
import type { PushConfig, PushFormat } from './config.js';

/**
 * The format of a push: as given, or by the path of the URL, as VictoriaMetrics, Prometheus, Mimir
 * and Cortex name theirs. undefined where the path says nothing.
 */
export function choosePushFormat({
  url,
  format,
}: {
  readonly url: string;
  readonly format: PushFormat;
}): Exclude<PushFormat, 'auto'> | undefined {
  if (format !== 'auto') return format;
  const path = URL.canParse(url) ? new URL(url).pathname.replace(/\/+$/, '') : '';
  if (path.includes('/api/v1/import/prometheus')) return 'text';
  return /\/(?:write|push)$/.test(path) ? 'remote_write' : undefined;
}

/** Values that are each allowed but not together. What is switched off disturbs nobody. */
export function pushConflicts(push: PushConfig): ConfigProblem[] {
  if (!push.enabled) return [];
  const problems: ConfigProblem[] = [];
  const report = (key: string, message: string): void => {
    problems.push({ path: `push.${key}`, message });
  };
  const { basicAuth, tls, retry } = push;
  if (choosePushFormat(push) === undefined) {
    report(
      'url',
      'its path does not tell the format: end it with /api/v1/import/prometheus (text) or with /api/v1/write (remote write), or set push.format',
    );
  }
  const hasBasicAuth = basicAuth.username !== '' || basicAuth.passwordFile !== '';
  if (hasBasicAuth && (basicAuth.username === '' || basicAuth.passwordFile === '')) {
    report('basic_auth', 'needs both username and password_file, or neither');
  }
  const credentials = [
    hasBasicAuth ? 'push.basic_auth' : undefined,
    push.bearerTokenFile === '' ? undefined : 'push.bearer_token_file',
    /^[^/]*\/\/[^/]*@/.test(push.url) ? 'the user in push.url' : undefined,
    Object.keys(push.headers).some((name) => name.toLowerCase() === 'authorization')
      ? 'Authorization in push.headers'
      : undefined,
  ].filter((place) => place !== undefined);
  if (credentials.length > 1) {
    report('url', `only one can log in, but there are ${credentials.join(' and ')}: leave one`);
  }
  if ((tls.certFile === '') !== (tls.keyFile === '')) {
    report('tls', 'a client certificate needs both cert_file and key_file');
  }
  if (retry.maxBackoffMs < retry.minBackoffMs) {
    report(
      'retry',
      `max_backoff_ms (${retry.maxBackoffMs}) must not be below min_backoff_ms (${retry.minBackoffMs})`,
    );
  }
  return problems;
}
