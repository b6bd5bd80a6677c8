// SPDX-License-Identifier: Apache-2.0
// The text of a web configuration file -> what is to be served with, or what is wrong with it. Reads no
// file: certificates and keys are paths still, absolute from here on. No message repeats a secret.

import { dirname, resolve } from 'node:path';
import type { ConfigProblem } from '../errors.js';
import { type FileLayer, locateInFile, parseConfigFile } from './config-file.js';
import { mergeLayers } from './merge-layers.js';
import type { ConfigOf } from './settings-tree.js';
import {
  CURVES,
  HTTP2_SUITES,
  opensslSuites,
  TLS_VERSION_NAMES,
  TLS_VERSIONS,
  type TlsVersionName,
} from './tls-names.js';
import type { UserHashes } from './web-rules.js';
import { type CLIENT_AUTH_TYPES, WEB_SETTINGS } from './web-settings.js';

export type ClientAuthType = (typeof CLIENT_AUTH_TYPES)[number];

/** Where PEM text is: in a file, or in the web configuration file itself. */
export type PemSource = { readonly path: string } | { readonly text: string };

export interface WebTlsConfig {
  readonly cert: PemSource;
  readonly key: PemSource;
  readonly clientCa: PemSource | undefined;
  readonly clientAuthType: ClientAuthType;
  readonly clientAllowedSans: readonly string[];
  readonly minVersion: (typeof TLS_VERSIONS)[TlsVersionName];
  readonly maxVersion: (typeof TLS_VERSIONS)[TlsVersionName];
  /** OpenSSL's names. Empty: its own choice, or, of TLS 1.3, which has no others, all. */
  readonly cipherSuites: readonly string[];
  readonly prefersServerCipherSuites: boolean;
  readonly curves: readonly string[];
}

export interface WebFileConfig {
  /** Undefined: no TLS. */
  readonly tls: WebTlsConfig | undefined;
  /** Of each answer, by name. */
  readonly headers: Readonly<Record<string, string>>;
  /** None: nobody needs to log in. */
  readonly users: UserHashes;
  readonly rateLimit: { readonly intervalMs: number; readonly burst: number } | undefined;
}

/** path: of the file, for messages and for paths in it. */
export function parseWebFile(
  path: string,
  bytes: Uint8Array,
): WebFileConfig | { readonly problems: readonly ConfigProblem[] } {
  const file = withoutHashes(parseConfigFile(path, bytes, WEB_SETTINGS));
  const merged = mergeLayers(WEB_SETTINGS, [file.layer]);
  if (file.problems.length > 0 || 'problems' in merged) {
    const values = 'problems' in merged ? merged.problems : [];
    const located = values.map((problem) => locateInFile(problem, path, file.lines.get(problem.path) ?? 0));
    return { problems: [...file.problems, ...located].map(({ path, message }) => ({ path, message })) };
  }
  const { tlsServerConfig, httpServerConfig, basicAuthUsers, rateLimit } = merged.config;
  const hasTls = Object.keys((file.layer['tls_server_config'] as object | undefined) ?? {}).length > 0;
  const problems = hasTls ? tlsConflicts(path, tlsServerConfig, httpServerConfig.http2) : [];
  if (problems.length > 0) return { problems };
  return {
    tls: hasTls ? tlsConfigOf(dirname(path), tlsServerConfig) : undefined,
    headers: Object.fromEntries(Object.entries(httpServerConfig.headers).filter(([, text]) => text !== '')),
    users: basicAuthUsers,
    rateLimit:
      rateLimit.interval === 0 ? undefined : { intervalMs: rateLimit.interval, burst: rateLimit.burst },
  };
}

type TlsSection = ConfigOf<typeof WEB_SETTINGS>['tlsServerConfig'];

function tlsConfigOf(folder: string, tls: TlsSection): WebTlsConfig {
  const sourceOf = (file: string, text: string): PemSource =>
    file === '' ? { text } : { path: resolve(folder, file) };
  return {
    cert: sourceOf(tls.certFile, tls.cert),
    key: sourceOf(tls.keyFile, tls.key),
    clientCa:
      tls.clientCaFile === '' && tls.clientCa === '' ? undefined : sourceOf(tls.clientCaFile, tls.clientCa),
    clientAuthType: tls.clientAuthType,
    clientAllowedSans: tls.clientAllowedSans,
    // Otherwise the older versions would have all the suites of OpenSSL's own choice, as no list can be empty.
    minVersion: hasTls13SuitesAlone(tls) ? TLS_VERSIONS.TLS13 : TLS_VERSIONS[tls.minVersion],
    maxVersion: TLS_VERSIONS[tls.maxVersion],
    cipherSuites: opensslSuites(tls.cipherSuites),
    prefersServerCipherSuites: tls.preferServerCipherSuites,
    curves: tls.curvePreferences.flatMap((name) => CURVES[name] ?? []),
  };
}

function hasTls13SuitesAlone({ cipherSuites }: TlsSection): boolean {
  return cipherSuites.length > 0 && opensslSuites(cipherSuites).length === 0;
}

/** Values that are each allowed but not together. */
function tlsConflicts(path: string, tls: TlsSection, http2: boolean): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const report = (key: string, message: string): void => {
    problems.push({ path: `tls_server_config${key}`, message: `${message} (${path})` });
  };
  if (tls.certFile === '' && tls.cert === '') report('', 'TLS needs a certificate: give cert_file or cert');
  if (tls.keyFile === '' && tls.key === '') report('', 'TLS needs a key: give key_file or key');
  const hasClientCa = tls.clientCaFile !== '' || tls.clientCa !== '';
  if (hasClientCa && tls.clientAuthType === 'NoClientCert') {
    report(
      '.client_auth_type',
      'a client_ca is given, but no client would be asked for a certificate: set it to RequireAndVerifyClientCert',
    );
  }
  if (!hasClientCa && tls.clientAuthType === 'RequireAndVerifyClientCert') {
    report(
      '.client_auth_type',
      'RequireAndVerifyClientCert needs to know whose certificates to take: give client_ca_file or client_ca',
    );
  }
  if (tls.clientAllowedSans.length > 0 && tls.clientAuthType === 'NoClientCert') {
    report(
      '.client_allowed_sans',
      'clients are not asked for certificates: set client_auth_type to RequireAndVerifyClientCert',
    );
  }
  if (TLS_VERSION_NAMES.indexOf(tls.minVersion) > TLS_VERSION_NAMES.indexOf(tls.maxVersion)) {
    report('.min_version', `${tls.minVersion} is above max_version, ${tls.maxVersion}: no version is left`);
  }
  const needsSuites = tls.cipherSuites.length > 0 && tls.minVersion !== 'TLS13';
  if (needsSuites && http2 && !tls.cipherSuites.some((name) => HTTP2_SUITES.includes(name))) {
    report(
      '.cipher_suites',
      `HTTP/2 asks for one of ${HTTP2_SUITES.join(' and ')}: add one, or set http_server_config.http2 to false`,
    );
  }
  if (needsSuites && tls.maxVersion !== 'TLS13' && hasTls13SuitesAlone(tls)) {
    report('.cipher_suites', `none of them is for ${tls.maxVersion} or older: add one, or raise max_version`);
  }
  return problems;
}

/** A hash or a key may stand where a key of the file should, which problems repeat. */
function withoutHashes(file: FileLayer): FileLayer {
  const problems = file.problems.map(({ path, message, line }) => ({
    path: maskHashes(path),
    message: maskHashes(message),
    line,
  }));
  return { ...file, problems };
}

function maskHashes(text: string): string {
  return text.replace(/\$2[a-z]?\$[^\s"',:]*/g, '<secret>').replace(/-----BEGIN.*$/s, '<secret>');
}
