// SPDX-License-Identifier: Apache-2.0
// Reads a web configuration file and what it names: certificates, keys. Nothing waits for the other end of
// a FIFO, and nothing is read without a bound.

import { CONFIG_FILE_MAX_BYTES } from '../config/config-file.js';
import { type PemSource, parseWebFile, type WebTlsConfig } from '../config/web-file.js';
import { type ConfigProblem, describeReadFailure } from '../errors.js';
import { openWithoutWaiting, readFileVersion, readUpTo } from '../system/regular-file.js';
import { createServerTls, type Pem, type ServerTls } from './tls-material.js';

/** What is served with, from one reading of the file to the next. */
export interface WebRules {
  /** Undefined: no TLS. */
  readonly tls: ServerTls | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** bcrypt hashes by user; empty: nobody needs to log in. */
  readonly users: ReadonlyMap<string, string>;
  readonly rateLimit: { readonly intervalMs: number; readonly burst: number } | undefined;
}

export interface WebFileReading {
  readonly result: WebRules | { readonly problems: readonly ConfigProblem[] };
  /** All that was looked at, the file itself first. */
  readonly paths: readonly string[];
  /** Of it before it was read. */
  readonly signature: string;
}

const PEM_MAX_BYTES = 1 << 20;

class WebFileProblem extends Error {
  readonly problem: ConfigProblem;

  constructor(path: string, message: string) {
    super(message);
    this.problem = { path, message };
  }
}

/** Never rejects. */
export async function readWebFile(path: string): Promise<WebFileReading> {
  const paths = [path];
  const fileSignature = await signatureOf(paths);
  let signature = fileSignature;
  try {
    const bytes = await readSmall('web.config_file', path, CONFIG_FILE_MAX_BYTES);
    const parsed = parseWebFile(path, bytes);
    if ('problems' in parsed) return { result: parsed, paths, signature };
    const { tls, headers, users, rateLimit } = parsed;
    if (tls !== undefined) {
      for (const source of [tls.cert, tls.key, tls.clientCa]) {
        if (source !== undefined && 'path' in source) paths.push(source.path);
      }
      // Not of the file anew: it may have changed since it was read.
      signature = [fileSignature, ...(await signaturesOf(paths.slice(1)))].join('\n');
    }
    const rules: WebRules = {
      tls: tls === undefined ? undefined : await readTls(path, tls),
      headers,
      users: new Map(users),
      rateLimit,
    };
    return { result: rules, paths, signature };
  } catch (error) {
    const problem =
      error instanceof WebFileProblem ? error.problem : { path, message: `cannot be used: ${String(error)}` };
    return { result: { problems: [problem] }, paths, signature };
  }
}

/** Another text when one of the files has other contents, or is another file. */
export async function signatureOf(paths: readonly string[]): Promise<string> {
  return (await signaturesOf(paths)).join('\n');
}

function signaturesOf(paths: readonly string[]): Promise<string[]> {
  return Promise.all(
    paths.map((path) =>
      readFileVersion(path).then(
        ({ signature }) => signature,
        (error: unknown) => describeReadFailure(error),
      ),
    ),
  );
}

async function readTls(file: string, tls: WebTlsConfig): Promise<ServerTls> {
  const [cert, key, clientCa] = await Promise.all([
    readPem('cert', tls.cert),
    readPem('key', tls.key),
    tls.clientCa === undefined ? undefined : readPem('client_ca', tls.clientCa),
  ]);
  const served = createServerTls(tls, { cert, key, clientCa });
  if ('problem' in served) throw new WebFileProblem('tls_server_config', `${served.problem} (${file})`);
  return served;
}

async function readPem(key: string, source: PemSource): Promise<Pem> {
  const setting = `tls_server_config.${key}`;
  if ('text' in source) return { name: setting, bytes: Buffer.from(source.text) };
  const bytes = await readSmall(`${setting}_file`, source.path, PEM_MAX_BYTES);
  return { name: source.path, bytes };
}

/** Neither waits nor reads on for ever where the path has become something else since it was looked at. */
async function readSmall(setting: string, path: string, maxBytes: number): Promise<Buffer> {
  try {
    // Looked at before it is opened: opening a device may do something.
    const { kind } = await readFileVersion(path);
    if (kind !== 'a file' && kind !== 'a directory') throw new Error(`it is ${kind}, and must be a file`);
    const file = await openWithoutWaiting(path, { followLinks: true });
    try {
      const bytes = await readUpTo(file, maxBytes + 1);
      if (bytes.length > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
      return Buffer.from(bytes);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new WebFileProblem(setting, `${path} cannot be read: ${describeReadFailure(error)}`);
  }
}
