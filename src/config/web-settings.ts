// SPDX-License-Identifier: Apache-2.0
// The keys of a web configuration file (--web.config.file), which are those of Prometheus' exporter-toolkit:
// one file serves all exporters of a host. For users, docs/web-configuration.md has them.

import { oneOf, truthValue, wholeNumber } from './rules.js';
import { mapping, oneWord, type SettingsSection, setting } from './settings-tree.js';
import { CIPHER_SUITE_NAMES, CURVES, TLS_VERSION_NAMES } from './tls-names.js';
import {
  alternativeNames,
  filePath,
  goDuration,
  headerText,
  pemText,
  userHashes,
  wordList,
} from './web-rules.js';

/** RequireClientCert is an old name of RequireAnyClientCert. */
export const CLIENT_AUTH_TYPES = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  'RequireClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const;

export const WEB_SETTINGS = {
  tls_server_config: {
    /** PEM; the file wins where both are given. */
    cert: setting('', pemText()),
    key: setting('', pemText()),
    client_ca: setting('', pemText()),
    /** Relative to the folder of the web configuration file. */
    cert_file: setting('', filePath()),
    key_file: setting('', filePath()),
    client_ca_file: setting('', filePath()),
    client_auth_type: oneWord('NoClientCert', CLIENT_AUTH_TYPES),
    /** Empty: any name. */
    client_allowed_sans: setting([], alternativeNames()),
    min_version: setting('TLS12', oneOf(TLS_VERSION_NAMES)),
    max_version: setting('TLS13', oneOf(TLS_VERSION_NAMES)),
    /** Go's names. Empty: OpenSSL's choice, as Node has it. */
    cipher_suites: setting([], wordList('cipher suites', CIPHER_SUITE_NAMES)),
    prefer_server_cipher_suites: setting(true, truthValue()),
    curve_preferences: setting([], wordList('curves', Object.keys(CURVES))),
  },
  http_server_config: {
    /** Accepted and without effect: answers are HTTP/1.1. */
    http2: setting(true, truthValue()),
    headers: {
      'Content-Security-Policy': setting('', headerText()),
      'X-Frame-Options': setting('', oneOf(['', 'deny', 'sameorigin'])),
      'X-Content-Type-Options': setting('', oneOf(['', 'nosniff'])),
      'X-XSS-Protection': setting('', headerText()),
      'Strict-Transport-Security': setting('', headerText()),
    },
  },
  basic_auth_users: mapping(userHashes()),
  rate_limit: {
    /** Milliseconds between two requests; 0: no limit. */
    interval: setting(0, goDuration()),
    burst: setting(0, wholeNumber(0, 1_000_000)),
  },
} satisfies SettingsSection;
