// SPDX-License-Identifier: Apache-2.0
// Whether a client may go on after its handshake: by the policy, the certificate that it has shown, and
// the names in that.

import type { X509Certificate } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { ClientAuthType } from '../config/web-file.js';

/** What a handshake tells of the client. */
export interface ClientCertificates {
  /** Undefined: it has shown none. */
  readonly certificate: Pick<X509Certificate, 'subjectAltName'> | undefined;
  /** Signed by one of ours, and valid now. */
  readonly isVerified: boolean;
}

/** allowedNames: none allow every name. */
export function admitsClient(
  policy: ClientAuthType,
  allowedNames: readonly string[],
  { certificate, isVerified }: ClientCertificates,
): boolean {
  const hasName =
    certificate === undefined ||
    allowedNames.length === 0 ||
    namesOf(certificate.subjectAltName).some((name) => allowedNames.map(canonicalName).includes(name));
  switch (policy) {
    case 'NoClientCert':
      return true;
    case 'RequestClientCert':
      return hasName;
    case 'RequireAnyClientCert':
    case 'RequireClientCert':
      return certificate !== undefined && hasName;
    case 'VerifyClientCertIfGiven':
      return certificate === undefined || (isVerified && hasName);
    case 'RequireAndVerifyClientCert':
      return certificate !== undefined && isVerified && hasName;
    default:
      return policy satisfies never;
  }
}

/** As node:crypto writes them: `DNS:a, IP Address:::1`; a value with a comma or a quote is a JSON string. */
const NAME = /(?:^|, )(?:DNS|IP Address|URI|email):("(?:[^"\\]|\\.)*"|[^,"]*)(?=, |$)/gy;

function namesOf(subjectAltName: string | undefined): readonly string[] {
  const names: string[] = [];
  for (const [, value = ''] of (subjectAltName ?? '').matchAll(NAME)) {
    names.push(canonicalName(value.startsWith('"') ? String(JSON.parse(value)) : value));
  }
  return names;
}

/** IPv6 addresses in one spelling; everything else as it stands. */
function canonicalName(name: string): string {
  return isIPv6(name) && !name.includes('%') ? new URL(`http://[${name}]/`).hostname : name;
}
