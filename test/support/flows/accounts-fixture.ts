// SPDX-License-Identifier: Apache-2.0
// Accounts with small defaults, numbered flows, and short questions about the result.

import { KIND } from '../../../src/abi/kinds.js';
import {
  createFlowAccounts,
  type FlowAccounts,
  type FlowAccountsOptions,
  type FlowAccountsParts,
} from '../../../src/flows/flow-accounts.js';
import { namesOf } from './accounts-model.js';
import { keyBytes, renderTestLabels, TEST_LABEL_BYTES, type TestRow } from './rows.js';

export const START_MS = 1_700_000_000_000;

export function create(
  options: Partial<FlowAccountsOptions> = {},
  parts: Partial<FlowAccountsParts> = {},
): FlowAccounts {
  return createFlowAccounts(
    {
      maxSeries: 10,
      maxNewSeriesPerMinute: 1_000_000,
      idleTimeoutMs: 5000,
      intervalMs: 1000,
      newSeries: 'at_value',
      holdMaxMs: 60_000,
      hashSeed: 1,
      maxLabelBytes: TEST_LABEL_BYTES,
      ...options,
    },
    { keep: () => true, renderLabels: renderTestLabels, yieldToLoop: () => Promise.resolve(), ...parts },
  );
}

export function flow(number: number, bytes: number, packets = 1): TestRow {
  return { kind: KIND.tcp, src: [10, 0, number >> 8, number & 0xff], packets, bytes };
}

function nameOf(number: number): string {
  return Buffer.from(keyBytes(flow(number, 0))).toString('hex');
}

export function holders(accounts: FlowAccounts, ...candidates: number[]): number[] {
  const names = namesOf(accounts);
  return candidates.filter((number) => names.has(nameOf(number)));
}

export function other(
  accounts: FlowAccounts,
  reason: string,
): { packets: number; bytes: number } | undefined {
  const rows = accounts.books.others.filter((row) => row.reason === reason);
  if (rows.length === 0) return undefined;
  return {
    packets: rows.reduce((sum, row) => sum + row.packets, 0),
    bytes: rows.reduce((sum, row) => sum + row.bytes, 0),
  };
}
