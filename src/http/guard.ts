// SPDX-License-Identifier: Apache-2.0
// What a web configuration file asks of every request, in the order of Prometheus' exporter-toolkit: a limit
// to their rate, headers on every answer, a login.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LoginVerdict, PasswordCheck } from './password-check.js';
import { RateLimit, type RateLimitOptions } from './rate-limit.js';
import { sendSentence } from './sentence.js';

/** As they are when a request comes. */
export interface GuardRules {
  readonly headers: Readonly<Record<string, string>>;
  /** bcrypt hashes by user; empty: nobody needs to log in. */
  readonly users: ReadonlyMap<string, string>;
  readonly rateLimit: RateLimitOptions | undefined;
}

export interface GuardParts {
  rules(): GuardRules;
  /** Monotonic. */
  nowMs(): number;
  readonly passwords: PasswordCheck;
}

/** Calls `pass` where the request may pass; otherwise it has been answered. */
export type Guard = (request: IncomingMessage, response: ServerResponse, pass: () => void) => void;

export function createGuard(parts: GuardParts): Guard {
  const { passwords } = parts;
  let limit: RateLimit | undefined;
  let limitOptions: RateLimitOptions | undefined;

  /** Begins anew where the file has another one. */
  const currentLimit = ({ rateLimit }: GuardRules): RateLimit | undefined => {
    const isSame =
      rateLimit?.intervalMs === limitOptions?.intervalMs && rateLimit?.burst === limitOptions?.burst;
    if (!isSame) {
      limitOptions = rateLimit;
      limit = rateLimit === undefined ? undefined : new RateLimit(rateLimit, parts);
    }
    return limit;
  };

  const answer = (verdict: LoginVerdict, response: ServerResponse, pass: () => void): void => {
    if (verdict === 'granted') pass();
    else if (verdict === 'gone' || response.destroyed) response.destroy();
    else if (verdict === 'refused') {
      sendSentence(response, 401, 'Log in with a user name and its password.', {
        'WWW-Authenticate': 'Basic',
      });
    } else {
      sendSentence(response, 503, 'Too many logins are being checked; try again in a second.', {
        'Retry-After': '1',
      });
    }
  };

  return (request, response, pass) => {
    const rules = parts.rules();
    if (currentLimit(rules)?.take() === false) {
      sendSentence(response, 429, 'More requests came than rate_limit allows; try again later.');
      return;
    }
    for (const [name, text] of Object.entries(rules.headers)) response.setHeader(name, text);
    if (rules.users.size === 0) {
      pass();
      return;
    }
    const credentials = readCredentials(request.headers.authorization);
    if (credentials === undefined) {
      answer('refused', response, pass);
      return;
    }
    const login = { ...credentials, client: request.socket.remoteAddress ?? '' };
    const verdict = passwords.check(rules.users, login, () => !response.destroyed);
    if (typeof verdict === 'string') answer(verdict, response, pass);
    else {
      void verdict.then((later) => {
        // The file may have changed meanwhile, and this user been taken out of it.
        const isStill = parts.rules().users.get(credentials.user) === rules.users.get(credentials.user);
        answer(later === 'granted' && !isStill ? 'refused' : later, response, pass);
      });
    }
  };
}

/** Of the scheme Basic (RFC 7617); undefined where it is none. */
function readCredentials(header: string | undefined): { user: string; password: Buffer } | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const bytes = Buffer.from(encoded, 'base64');
  const colon = bytes.indexOf(':');
  if (colon < 0) return undefined;
  return { user: bytes.toString('utf8', 0, colon), password: bytes.subarray(colon + 1) };
}
