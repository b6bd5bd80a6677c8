// SPDX-License-Identifier: Apache-2.0
// How a veth's own counters count bytes, which depends on how XDP is attached. For tests only.

const ETHERNET_HEADER_BYTES = 14;

/**
 * What `ip -s link` leaves out of each frame that a veth receives. With a native program frames come
 * through the driver's NAPI ring, and veth_xdp_rcv() in drivers/net/veth.c adds skb->len, from which
 * eth_type_trans() has pulled the Ethernet header by then. Otherwise veth_xmit() counts the frame whole.
 */
export function uncountedBytes(mode: 'native' | 'generic'): number {
  return mode === 'native' ? ETHERNET_HEADER_BYTES : 0;
}
