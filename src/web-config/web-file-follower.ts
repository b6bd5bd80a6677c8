// SPDX-License-Identifier: Apache-2.0
// Follows a web configuration file with its certificates and keys: reads them when they have changed and
// settled, keeps what was good, and says once what is wrong. Two looks that find the same have it settled:
// whoever replaces a certificate and its key does so one after the other. Whoever asks for a reload is done with that.

import type { Clock } from '../clock.js';
import { ConfigError, type ConfigProblem } from '../errors.js';
import type { Logger } from '../log.js';
import { readWebFile, signatureOf, type WebFileReading, type WebRules } from './read-web-file.js';

export interface WebFileParts {
  readonly clock: Pick<Clock, 'wallMs' | 'schedule'>;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

const LOOK_MS = 1000;

export class WebFileFollower {
  readonly #path: string;
  readonly #parts: WebFileParts;
  #current: WebRules | undefined;
  #paths: readonly string[];
  /** Of what was read last. */
  #readSignature = '';
  /** Of what the last look has found. */
  #seenSignature = '';
  /** The certificate whose end was told. */
  #toldExpiry: string | undefined;
  /** Of what was read last: why it is not in use. */
  #refusal: readonly ConfigProblem[] = [];
  /** One at a time. */
  #looking: Promise<unknown> = Promise.resolve();
  #isStopped = false;
  #cancelLook = (): void => undefined;

  /** path: absolute. */
  constructor(path: string, parts: WebFileParts) {
    this.#path = path;
    this.#parts = parts;
    this.#paths = [path];
  }

  get current(): WebRules {
    if (this.#current === undefined) throw new Error('web rules are asked for before loadFirst()');
    return this.#current;
  }

  /** Rejects with ConfigError. Looks again every second from then on. */
  async loadFirst(): Promise<void> {
    const { result } = this.#note(await readWebFile(this.#path));
    if ('problems' in result) throw new ConfigError(result.problems);
    this.#current = result;
    this.#checkExpiry();
    if (result.rateLimit?.burst === 0) {
      this.#parts.log.warn(`${this.#path}: rate_limit.burst is 0, so that every request gets 429`);
    }
    this.#schedule();
  }

  /** One look; never rejects. */
  look(): Promise<void> {
    return this.#inTurn(async () => {
      const signature = await signatureOf(this.#paths);
      this.#checkExpiry();
      const isSettled = signature === this.#seenSignature;
      this.#seenSignature = signature;
      if (signature === this.#readSignature || !isSettled) return;
      await this.#readAgain();
      if (this.#refusal.length === 0 || this.#isStopped) return;
      const sentence = this.#refusal.map(({ path, message }) => `${path}: ${message}`).join('; ');
      this.#parts.log.error(`${sentence}; what was read before stays in use`);
    });
  }

  /** A look that takes what has changed as settled; never rejects. Why what is there is not in use, which the caller tells. */
  lookNow(): Promise<readonly ConfigProblem[]> {
    return this.#inTurn(async () => {
      const signature = await signatureOf(this.#paths);
      if (signature !== this.#readSignature) await this.#readAgain();
      return this.#refusal;
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelLook();
  }

  #inTurn<Result>(look: () => Promise<Result>): Promise<Result> {
    const looked = this.#looking.then(look);
    this.#looking = looked;
    return looked;
  }

  async #readAgain(): Promise<void> {
    const { result } = this.#note(await readWebFile(this.#path));
    if (this.#isStopped) return;
    this.#refusal = 'problems' in result ? result.problems : this.#whyNotNow(result);
    if (this.#refusal.length > 0) return;
    this.#current = result as WebRules; // it has no problems
    this.#checkExpiry();
    this.#parts.log.info(`${this.#path} and what it names were read again`);
  }

  #note(reading: WebFileReading): WebFileReading {
    this.#paths = reading.paths;
    this.#readSignature = reading.signature;
    this.#seenSignature = reading.signature;
    return reading;
  }

  /** A file that is written anew is empty for a moment, or half of it, and must not open the doors. */
  #whyNotNow(next: WebRules): readonly ConfigProblem[] {
    if (next.users.size === 0 && this.current.users.size > 0) {
      const message = `logging in is not switched off while the exporter runs: restart it (${this.#path})`;
      return [{ path: 'basic_auth_users', message }];
    }
    if ((next.tls === undefined) === (this.current.tls === undefined)) return [];
    const change = next.tls === undefined ? 'off' : 'on';
    const message = `TLS is not switched ${change} while the exporter runs: restart it (${this.#path})`;
    return [{ path: 'tls_server_config', message }];
  }

  #checkExpiry(): void {
    const tls = this.#current?.tls;
    if (tls === undefined || !(tls.notAfterMs < this.#parts.clock.wallMs())) return;
    const told = `${tls.certName} ${tls.notAfterMs}`;
    if (told === this.#toldExpiry) return;
    this.#toldExpiry = told;
    const day = new Date(tls.notAfterMs).toISOString();
    this.#parts.log.warn(
      `the certificate in ${tls.certName} expired on ${day}: clients that check it refuse to connect; replace it`,
    );
  }

  #schedule(): void {
    this.#cancelLook = this.#parts.clock.schedule(() => {
      void this.look().finally(() => {
        if (!this.#isStopped) this.#schedule();
      });
    }, LOOK_MS);
  }
}
