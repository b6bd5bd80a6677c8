// SPDX-License-Identifier: Apache-2.0
// Where the label host_ip comes from, as the operator writes it: `auto`, `interface:NAME`, or an address.

import { isIP } from 'node:net';
import { type Rule, refuse, wrongInterfaceName } from './rules.js';

export type HostIpChoice =
  | { readonly kind: 'auto' }
  | { readonly kind: 'interface'; readonly name: string }
  | { readonly kind: 'address'; readonly address: string };

const INTERFACE = 'interface:';

export function hostIpChoice(): Rule<HostIpChoice> {
  const allowed = 'auto, interface:NAME or an IP address';
  return (value) => {
    if (typeof value !== 'string') return refuse(allowed, value);
    if (value === 'auto') return { value: { kind: 'auto' } };
    if (value.startsWith(INTERFACE)) {
      const name = value.slice(INTERFACE.length);
      const problem = wrongInterfaceName(name);
      return problem === undefined ? { value: { kind: 'interface', name } } : { problem };
    }
    // A zone is of this host alone.
    if (isIP(value) !== 0 && !value.includes('%')) return { value: { kind: 'address', address: value } };
    return refuse(allowed, value);
  };
}

/** As it stands in the file. */
export function hostIpText(choice: HostIpChoice): string {
  if (choice.kind === 'interface') return `${INTERFACE}${choice.name}`;
  return choice.kind === 'address' ? choice.address : choice.kind;
}
