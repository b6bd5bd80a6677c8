// SPDX-License-Identifier: Apache-2.0
// Makes the keys of flows equal that labels do not tell apart, where the kernel cannot: it needs interface
// and kind for its own books, keeps protocol and IP version, and knows no networks. Hot: once a row.

import { ANY_KIND, KIND } from '../abi/kinds.js';
import {
  ANY_INTERFACE,
  clearAddress,
  clearProtocol,
  DESTINATION_ADDRESS_WORD,
  interfaceIdOf,
  ipVersionOf,
  isMappedIpv4,
  kindOf,
  SOURCE_ADDRESS_WORD,
  setInterface,
  setKind,
  setNetworks,
} from '../abi/row-key.js';

/** What labels show of flows. */
export interface ShownFields {
  readonly srcIp: boolean;
  readonly dstIp: boolean;
  readonly protocol: boolean;
  readonly trafficType: boolean;
  readonly interface: boolean;
  readonly srcNetwork: boolean;
  readonly dstNetwork: boolean;
}

/** Numbers of networks by address, 0 where there is none: longest match. Words as in a row's key. */
export interface AddressNetworks {
  numberOf4(word: number): number;
  numberOf6(words: Uint32Array, wordOffset: number): number;
}

/** Changes the key at keys[wordOffset], of a kind with a flow. */
export type MergeKey = (keys: Uint32Array, wordOffset: number) => void;

/** No address is in any network. */
const NO_NETWORKS: AddressNetworks = { numberOf4: () => 0, numberOf6: () => 0 };

/** undefined where the kernel's keys are told apart by what labels show and nothing else. */
export function createKeyMerger(
  shown: ShownFields,
  networks: { readonly current: AddressNetworks } = { current: NO_NETWORKS },
): MergeKey | undefined {
  const hasAddress = shown.srcIp || shown.dstIp;
  const hasNetwork = shown.srcNetwork || shown.dstNetwork;
  const isPlain = hasAddress && shown.protocol && shown.trafficType && shown.interface && !hasNetwork;
  if (isPlain) return undefined;
  return (keys, wordOffset) => {
    const version = ipVersionOf(keys, wordOffset);
    if (hasNetwork) {
      const { current } = networks;
      const source = shown.srcNetwork
        ? networkOf(current, keys, wordOffset + SOURCE_ADDRESS_WORD, version)
        : 0;
      const destination = shown.dstNetwork
        ? networkOf(current, keys, wordOffset + DESTINATION_ADDRESS_WORD, version)
        : 0;
      setNetworks(keys, wordOffset, source, destination);
      if (!shown.srcIp) clearAddress(keys, wordOffset, SOURCE_ADDRESS_WORD);
      if (!shown.dstIp) clearAddress(keys, wordOffset, DESTINATION_ADDRESS_WORD);
    }
    if (!shown.protocol) clearProtocol(keys, wordOffset);
    let shownVersion = hasAddress ? version : 0;
    if (!shown.trafficType) {
      // Labels show such GIDs as IPv4, by the kind that goes: they become IPv4.
      if (hasAddress && kindOf(keys, wordOffset) === KIND.roceV1 && isMapped(keys, wordOffset, shown)) {
        unmap(keys, wordOffset + SOURCE_ADDRESS_WORD);
        unmap(keys, wordOffset + DESTINATION_ADDRESS_WORD);
        shownVersion = 4;
      }
      setKind(keys, wordOffset, ANY_KIND);
    }
    const interfaceId = shown.interface ? interfaceIdOf(keys, wordOffset) : ANY_INTERFACE;
    setInterface(keys, wordOffset, interfaceId, shownVersion);
  };
}

/** Whether all addresses that are shown map IPv4 ones. */
function isMapped(keys: Uint32Array, wordOffset: number, { srcIp, dstIp }: ShownFields): boolean {
  return (
    (!srcIp || isMappedIpv4(keys, wordOffset + SOURCE_ADDRESS_WORD)) &&
    (!dstIp || isMappedIpv4(keys, wordOffset + DESTINATION_ADDRESS_WORD))
  );
}

function unmap(keys: Uint32Array, word: number): void {
  const address = keys[word + 3] ?? 0;
  clearAddress(keys, 0, word);
  keys[word] = address;
}

function networkOf(networks: AddressNetworks, keys: Uint32Array, word: number, version: number): number {
  return version === 4 ? networks.numberOf4(keys[word] ?? 0) : networks.numberOf6(keys, word);
}
