// SPDX-License-Identifier: Apache-2.0
// Certificates and keys, made anew by openssl in a folder of their own. For tests only.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export interface CertificateOptions {
  /** As openssl takes them: `DNS:localhost,IP:127.0.0.1`. */
  readonly names?: string;
  /** Of openssl req and genpkey. */
  readonly keyArgs?: readonly string[];
  /** Ended yesterday. */
  readonly isExpired?: boolean;
}

const EC_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
export const RSA_KEY = ['-newkey', 'rsa:2048'];

export class CertificateFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'xtrace-web-'));

  constructor(t: Pick<TestContext, 'after'>) {
    t.after(() => rmSync(this.path, { recursive: true, force: true }));
  }

  at(name: string): string {
    return join(this.path, name);
  }

  read(name: string): string {
    return readFileSync(this.at(name), 'utf8');
  }

  write(name: string, text: string): string {
    writeFileSync(this.at(name), text);
    return this.at(name);
  }

  /** Makes NAME.crt, which signs itself, and NAME.key. */
  make(name: string, options: CertificateOptions = {}): void {
    const { names = 'DNS:localhost,IP:127.0.0.1', keyArgs = EC_KEY, isExpired = false } = options;
    const [crt, key] = [this.at(`${name}.crt`), this.at(`${name}.key`)];
    const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`];
    const made = ['-x509', '-nodes', ...keyArgs, '-keyout', key, '-out', crt, '-days', '30', ...subject];
    execFileSync('openssl', ['req', ...made], { stdio: 'ignore' });
    if (!isExpired) return;
    const signed = ['-in', crt, '-signkey', key, '-days', '-1', '-out', crt];
    execFileSync('openssl', ['x509', ...signed], { stdio: 'ignore' });
  }
}
