// SPDX-License-Identifier: Apache-2.0
// The books must balance at every scrape: what an interface received is what the flows' series, the
// others, and what is pending together show, to the unit. For tests only.

import assert from 'node:assert/strict';
import type { Exposition } from './exposition-parser.js';

const UNITS = ['packets', 'bytes'] as const;

/** One interface and traffic type. */
interface Account {
  interfaceTotal: number;
  series: number;
  others: number;
  pending: number;
}

/**
 * Asserts, for packets and bytes and every (interface, traffic_type):
 * xtrace_interface_U_total == sum xtrace_network_U_total + sum over reason of xtrace_other_U_total +
 * xtrace_pending_U.
 * Also asserts that there is at least one account, so that an empty page does not pass.
 */
export function assertBalance(exposition: Exposition): void {
  for (const unit of UNITS) {
    const accounts = readAccounts(exposition, unit);
    assert.notEqual(accounts.size, 0, `no xtrace_interface_${unit}_total at all`);
    for (const [name, { interfaceTotal, series, others, pending }] of accounts) {
      const difference = interfaceTotal - series - others - pending;
      assert.equal(
        difference,
        0,
        `${unit} of ${name}: interface ${interfaceTotal}, series ${series}, others ${others}, pending ${pending}`,
      );
    }
  }
}

function readAccounts(exposition: Exposition, unit: (typeof UNITS)[number]): Map<string, Account> {
  const accounts = new Map<string, Account>();
  const add = (metric: string, field: keyof Account): void => {
    for (const { name, labels, value } of exposition.select(metric)) {
      assert.ok(Number.isSafeInteger(value) && value >= 0, `${name} is ${value}, not a count`);
      const [device, type] = ['interface', 'traffic_type'].map((label) => labels.get(label));
      assert.ok(device !== undefined && type !== undefined, `${name} lacks interface or traffic_type`);
      const account = accounts.get(`${device} ${type}`) ?? {
        interfaceTotal: 0,
        series: 0,
        others: 0,
        pending: 0,
      };
      account[field] += value;
      accounts.set(`${device} ${type}`, account);
    }
  };
  add(`xtrace_interface_${unit}_total`, 'interfaceTotal');
  add(`xtrace_network_${unit}_total`, 'series');
  add(`xtrace_other_${unit}_total`, 'others');
  add(`xtrace_pending_${unit}`, 'pending');
  return accounts;
}
