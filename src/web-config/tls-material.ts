// SPDX-License-Identifier: Apache-2.0
// Certificates and keys -> what TLS is served with, or one sentence about what is wrong with them. No
// message has anything of a key.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { ClientAuthType, WebTlsConfig } from '../config/web-file.js';
import { admitsClient, type ClientCertificates } from './client-certificate.js';

/** What a handshake goes by. */
export interface ServerTls {
  readonly secureContext: SecureContext;
  /** Clients are asked for a certificate. */
  readonly requestCert: boolean;
  /** After a handshake: whether the client may go on. */
  admits(client: ClientCertificates): boolean;
  /** From then on clients that check the certificate refuse it; milliseconds since the epoch. */
  readonly notAfterMs: number;
  /** Where the certificate comes from, for messages. */
  readonly certName: string;
}

/** PEM text and where it is from, for messages: a path or a key of the file. */
export interface Pem {
  readonly name: string;
  readonly bytes: Buffer;
}

export interface TlsMaterial {
  readonly cert: Pem;
  readonly key: Pem;
  readonly clientCa: Pem | undefined;
}

/** OpenSSL's SSL_OP_NO_RENEGOTIATION, which node:crypto has no name for on every release: Go's servers do not either. */
const NO_RENEGOTIATION = 2 ** 30;
/** Whoever asks for TLS 1.0 or 1.1 asks for SHA-1, too, which OpenSSL 3 allows at this level alone. */
const OLD_VERSIONS_LEVEL = '@SECLEVEL=0';
/** Of Node, less those that nobody should have: as crypto.constants.defaultCipherList. */
const USUAL_SUITES = 'ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES';

const ASKING: readonly ClientAuthType[] = [
  'RequestClientCert',
  'RequireAnyClientCert',
  'RequireClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
];

export function createServerTls(
  config: WebTlsConfig,
  { cert, key, clientCa }: TlsMaterial,
): ServerTls | { readonly problem: string } {
  const leaf = readCertificate(cert);
  if ('problem' in leaf) return leaf;
  const privateKey = readKey(key);
  if ('problem' in privateKey) return privateKey;
  if (!leaf.checkPrivateKey(privateKey)) {
    return { problem: `the key in ${key.name} is not that of the certificate in ${cert.name}` };
  }
  const ca = clientCa === undefined ? undefined : readCertificate(clientCa);
  if (ca !== undefined && 'problem' in ca) return ca;
  let secureContext: SecureContext;
  try {
    secureContext = createSecureContext({
      cert: cert.bytes,
      key: key.bytes,
      ...(clientCa === undefined ? {} : { ca: clientCa.bytes }),
      minVersion: config.minVersion,
      maxVersion: config.maxVersion,
      ...suitesOf(config),
      ...(config.curves.length === 0 ? {} : { ecdhCurve: config.curves.join(':') }),
      honorCipherOrder: config.prefersServerCipherSuites,
      secureOptions: NO_RENEGOTIATION,
      sessionIdContext: 'xtrace-catch',
    });
  } catch (error) {
    // Such as a key too small for OpenSSL's security level; OpenSSL's words have nothing of the key.
    const why = error instanceof Error ? error.message : String(error);
    return { problem: `OpenSSL takes neither ${cert.name} nor its key: ${why}` };
  }
  return {
    secureContext,
    requestCert: ASKING.includes(config.clientAuthType),
    admits: (client) => admitsClient(config.clientAuthType, config.clientAllowedSans, client),
    notAfterMs: Date.parse(leaf.validTo),
    certName: cert.name,
  };
}

function suitesOf({ cipherSuites, minVersion }: WebTlsConfig): { ciphers?: string } {
  const isOld = minVersion === 'TLSv1' || minVersion === 'TLSv1.1';
  if (cipherSuites.length === 0 && !isOld) return {};
  const suites = cipherSuites.length === 0 ? USUAL_SUITES : cipherSuites.join(':');
  return { ciphers: isOld ? `${suites}:${OLD_VERSIONS_LEVEL}` : suites };
}

/** The first one in it. */
function readCertificate({ name, bytes }: Pem): X509Certificate | { readonly problem: string } {
  try {
    return new X509Certificate(bytes);
  } catch {
    return { problem: `${name} has no certificate in PEM form (-----BEGIN CERTIFICATE-----)` };
  }
}

function readKey({ name, bytes }: Pem): KeyObject | { readonly problem: string } {
  try {
    return createPrivateKey(bytes);
  } catch {
    return bytes.includes('ENCRYPTED')
      ? { problem: `the key in ${name} is encrypted: give one without a passphrase` }
      : { problem: `${name} has no private key in PEM form (-----BEGIN PRIVATE KEY-----)` };
  }
}
