// SPDX-License-Identifier: Apache-2.0
// What is wrong with the flags of `xtrace-catch top`, each and together.

import type { ConfigProblem } from '../errors.js';
import type { CommandLine } from './command-line.js';
import { problemOf } from './rules.js';
import { topTarget } from './top-target.js';

export function topProblems({ own }: Pick<CommandLine, 'own'>): ConfigProblem[] {
  const { texts, attach } = own;
  const url = texts.get('url');
  const problems: (readonly [path: string, message: string | undefined])[] = [];
  if (url !== undefined) {
    problems.push(['--url', problemOf(topTarget(false)(url))]);
    if (attach) problems.push(['--attach', 'starts an exporter of its own: leave --url out']);
  }
  for (const name of ['user', 'password-file', 'ca-file', 'cert-file']) {
    if (texts.get(name) === '') problems.push([`--${name}`, 'must not be empty']);
  }
  if (texts.has('user') !== texts.has('password-file')) {
    const missing = texts.has('user') ? 'password-file' : 'user';
    problems.push([`--${missing}`, 'is missing: a login is --user and --password-file together']);
  }
  if (texts.get('user')?.includes(':') === true) problems.push(['--user', 'must have no ":" in it']);
  return problems.flatMap(([path, message]) => (message === undefined ? [] : [{ path, message }]));
}
