// SPDX-License-Identifier: Apache-2.0
// Ports as a file gives them: a range, and a list.

import { type Judgement, joinProblems, type Rule, refuse } from './rules.js';
import { renderGiven } from './value-text.js';

const PORT_MAX = 65_535;
const PORTS_MOST = 1000;

export interface PortBounds {
  readonly first: number;
  readonly last: number;
}

/** FIRST-LAST; `host` for an empty text. */
export function portRange(): Rule<PortBounds | 'host'> {
  const allowed = 'two ports from 1 to 65535, the lower first, such as "32768-60999", or empty';
  return (value): Judgement<PortBounds | 'host'> => {
    if (value === '') return { value: 'host' };
    if (typeof value !== 'string') return refuse(allowed, value);
    const [, first = '', last = ''] = /^\s*(\d{1,5})\s*-\s*(\d{1,5})\s*$/.exec(value) ?? [];
    const bounds = { first: Number(first), last: Number(last) };
    const isRange =
      first !== '' && bounds.first >= 1 && bounds.first <= bounds.last && bounds.last <= PORT_MAX;
    return isRange ? { value: bounds } : refuse(allowed, value);
  };
}

export function portList(): Rule<readonly number[]> {
  return (value): Judgement<readonly number[]> => {
    if (!Array.isArray(value)) return refuse('a list of ports, such as [50051, 51820]', value);
    if (value.length > PORTS_MOST) {
      return { problem: `may have ${PORTS_MOST} ports, but has ${value.length}` };
    }
    const problem = joinProblems(
      value
        .filter((port) => !Number.isInteger(port) || port < 1 || port > PORT_MAX)
        .map((port) => `a port is a whole number from 1 to ${PORT_MAX}, but one is ${renderGiven(port)}`),
    );
    return problem === undefined ? { value: [...new Set(value as number[])] } : { problem };
  };
}
