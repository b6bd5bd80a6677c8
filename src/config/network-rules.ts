// SPDX-License-Identifier: Apache-2.0
// What networks may be: a mapping of networks to names, judged as the list of its entries, or the path of a
// file that has them. The file is not looked at here: it changes while the program runs.

import { NETWORK_NAME_MAX_BYTES, parseCidr, renderCidr } from '../cidr.js';
import { isAbsolutePath, type Judgement, joinProblems, labelValue, problemOf, type Rule } from './rules.js';
import { renderGiven } from './value-text.js';

export interface NamedNetwork {
  /** IPv4 or IPv6, bits beyond `bits` 0, as RFC 5952 writes it. */
  readonly address: string;
  /** Leading bits that count. */
  readonly bits: number;
  readonly name: string;
}

export type NetworksGiven =
  /** An absolute path. */
  | { readonly file: string }
  /** Each network once, in the order given. */
  | { readonly networks: readonly NamedNetwork[] };

/** Whether any network has a name. */
export function hasNetworks(given: NetworksGiven): boolean {
  return 'file' in given || given.networks.length > 0;
}

/** More belong into a file, which can change while the program runs. */
const MAX_NETWORKS = 1000;
const ALLOWED =
  'a mapping of networks to names, such as {10.1.0.0/16: rail-1}, or the absolute path of a file with them';

export function networksGiven(): Rule<NetworksGiven> {
  return (value): Judgement<NetworksGiven> => {
    if (isAbsolutePath(value)) return { value: { file: value } };
    if (!Array.isArray(value)) return { problem: `must be ${ALLOWED}, but is ${renderGiven(value)}` };
    if (value.length > MAX_NETWORKS) {
      const instead = 'write them into a file and give its absolute path here';
      return { problem: `may have ${MAX_NETWORKS} networks, but has ${value.length}: ${instead}` };
    }
    const judgeName = labelValue();
    const networks = new Map<string, NamedNetwork>();
    const problems = value.flatMap((entry: unknown) => readEntry(entry, judgeName, networks) ?? []);
    const problem = joinProblems(problems);
    return problem === undefined ? { value: { networks: [...networks.values()] } } : { problem };
  };
}

/** Adds the network to those read before, or says what is wrong with it. */
function readEntry(
  entry: unknown,
  judgeName: Rule<string>,
  networks: Map<string, NamedNetwork>,
): string | undefined {
  // A list, too, is one to whoever reads the file, with items that are no pairs.
  if (!Array.isArray(entry) || entry.length !== 2) return `must be ${ALLOWED}, but is a list`;
  const [network, given] = entry as [unknown, unknown];
  if (typeof network !== 'string') {
    return `a network is text, but one is ${renderGiven(network)}; put it between quotes`;
  }
  const cidr = parseCidr(network);
  if ('problem' in cidr) return `${renderGiven(network)} ${cidr.problem}`;
  if (typeof given === 'number' || typeof given === 'boolean') {
    return `the name of ${network} must be text, but is ${renderGiven(given)}; put it between quotes`;
  }
  const judgement = judgeName(given);
  if ('problem' in judgement) return `the name of ${network} ${problemOf(judgement)}`;
  const name = judgement.value;
  const bytes = Buffer.byteLength(name);
  if (bytes > NETWORK_NAME_MAX_BYTES) {
    return `the name of ${network} has ${bytes} bytes, and may have ${NETWORK_NAME_MAX_BYTES}`;
  }
  const key = renderCidr(cidr);
  const before = networks.get(key);
  if (before !== undefined && before.name !== name) {
    return `${key} has two names, ${renderGiven(before.name)} and ${renderGiven(name)}: leave one of them out`;
  }
  networks.set(key, { address: key.slice(0, key.indexOf('/')), bits: cidr.bits, name });
  return undefined;
}
