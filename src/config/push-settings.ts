// SPDX-License-Identifier: Apache-2.0
// The push section: what of it does not go together, and its form in the program. Pure.
import type { ConfigProblem } from '../errors.js';
import type { PushConfig, PushFormat } from './config.js';
import type { FileSettings } from './settings.js';

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
export function pushConflicts(push: FileSettings['push']): ConfigProblem[] {
  if (!push.enabled) return [];
  const problems: ConfigProblem[] = [];
  const report = (key: string, message: string): void => {
    problems.push({ path: `push.${key}`, message });
  };
  const { basic_auth, tls, retry } = push;
  if (choosePushFormat(push) === undefined) {
    report(
      'url',
      'its path does not tell the format: end it with /api/v1/import/prometheus (text) or with /api/v1/write (remote write), or set push.format',
    );
  }
  const hasBasicAuth = basic_auth.username !== '' || basic_auth.password_file !== '';
  if (hasBasicAuth && (basic_auth.username === '' || basic_auth.password_file === '')) {
    report('basic_auth', 'needs both username and password_file, or neither');
  }
  const credentials = [
    hasBasicAuth ? 'push.basic_auth' : undefined,
    push.bearer_token_file === '' ? undefined : 'push.bearer_token_file',
    /^[^/]*\/\/[^/]*@/.test(push.url) ? 'the user in push.url' : undefined,
    push.headers.some(([name]) => name.toLowerCase() === 'authorization')
      ? 'Authorization in push.headers'
      : undefined,
  ].filter((place) => place !== undefined);
  if (credentials.length > 1) {
    report('url', `only one can log in, but there are ${credentials.join(' and ')}: leave one`);
  }
  if ((tls.cert_file === '') !== (tls.key_file === '')) {
    report('tls', 'a client certificate needs both cert_file and key_file');
  }
  if (retry.max_backoff_ms < retry.min_backoff_ms) {
    report(
      'retry',
      `max_backoff_ms (${retry.max_backoff_ms}) must not be below min_backoff_ms (${retry.min_backoff_ms})`,
    );
  }
  return problems;
}

export function toPushConfig(push: FileSettings['push']): PushConfig {
  const { basic_auth, tls, retry } = push;
  return {
    enabled: push.enabled,
    url: push.url,
    format: push.format,
    compression: push.compression,
    headers: Object.fromEntries(push.headers),
    basicAuth: { username: basic_auth.username, passwordFile: basic_auth.password_file },
    bearerTokenFile: push.bearer_token_file,
    tls: {
      caFile: tls.ca_file,
      certFile: tls.cert_file,
      keyFile: tls.key_file,
      serverName: tls.server_name,
      insecureSkipVerify: tls.insecure_skip_verify,
    },
    timeoutMs: push.timeout_ms,
    queueMaxBytes: push.queue_max_bytes,
    batchMaxSamples: push.batch_max_samples,
    maxAgeMs: push.max_age_ms,
    retry: {
      minBackoffMs: retry.min_backoff_ms,
      maxBackoffMs: retry.max_backoff_ms,
      on429: retry.on_429,
    },
    spoolPath: push.spool_path,
    spoolMaxBytes: push.spool_max_bytes,
    extraLabels: Object.fromEntries(push.extra_labels),
    job: push.job,
    instance: push.instance,
  };
}
