// SPDX-License-Identifier: Apache-2.0
// Names of ARPHRD types (include/uapi/linux/if_arp.h) for people. Pure.

const NAMES: ReadonlyMap<number, string> = new Map([
  [1, 'ethernet'],
  [32, 'infiniband'],
  [512, 'ppp'],
  [519, 'rawip'],
  [768, 'ipip'],
  [769, 'ip6tunnel'],
  [772, 'loopback'],
  [776, 'sit'],
  [778, 'gre'],
  [823, 'ip6gre'],
  [65534, 'none'],
]);

/** One that has no name here is shown by its number. */
export function linkTypeName(linkType: number): string {
  return NAMES.get(linkType) ?? `type ${linkType}`;
}
