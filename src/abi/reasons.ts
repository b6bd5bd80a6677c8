// SPDX-License-Identifier: Apache-2.0
// enum frame_reason of bpf/abi.h: why a frame has no flow. The names are label values and share
// their stem with the C enum.

/** Index = code; append only. An empty string is a code that is not in use. */
export const FRAME_REASONS: readonly string[] = [
  '', // REASON_NONE
  'ethertype',
  'arp',
  'llc',
  'vlan_depth',
  'pause',
  'pfc',
  ...new Array<string>(9).fill(''),
  'link_truncated', // 16
  'ipv4_truncated',
  'ipv4_version',
  'ipv4_header_length',
  'ipv4_total_length',
  'ipv6_truncated',
  'ipv6_version',
  'ipv6_extension_truncated',
  'ipv6_extension_depth',
  'transport_truncated',
  'grh_truncated',
  'grh_version',
  'grh_next_header',
  'bth_invalid',
  'not_linear',
  'l3_version', // 31
  'grh_payload_length',
];

export const REASON_MAX = 33;

/** The name of a reason code; a code this build does not know is shown as `reason_N`. */
export function frameReasonName(code: number): string {
  const name = FRAME_REASONS[code];
  return name === undefined || name === '' ? `reason_${code}` : name;
}
