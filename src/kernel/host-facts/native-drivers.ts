// SPDX-License-Identifier: Apache-2.0
// Drivers with native XDP, for kernels that do not tell of it themselves (before 6.3, see
// xdp-features.ts). Pure. A name that is not here may be a driver from outside the kernel's tree.

/**
 * As ETHTOOL_GDRVINFO spells them: the drivers of commit 66c0e13ad236 ("drivers: net: turn on XDP
 * features", 6.3), which went through all that had native XDP by then, and bonding (9e2ee5c7e7c3). All
 * but those of LATER had it in 5.15 already.
 */
const DRIVERS: ReadonlySet<string> = new Set([
  'bnxt_en',
  'bonding',
  'cpsw',
  'cpsw-switch',
  'ena',
  'fsl_dpa',
  'fsl_dpaa2_eth',
  'fsl_enetc',
  'hv_netvsc',
  'i40e',
  'ice',
  'igb',
  'igc',
  'ixgbe',
  'ixgbevf',
  'mana',
  'mlx4_en',
  'mlx5_core',
  'mvneta',
  'mvpp2',
  'netdevsim',
  'netsec',
  'nfp',
  'nicvf',
  'qede',
  'rvu_nicpf',
  'rvu_nicvf',
  'sfc',
  'st_gmac',
  'tun',
  'veth',
  'vif',
  'virtio_net',
]);

/** What got it between 5.15 and 6.2. */
const LATER: ReadonlyMap<string, readonly [major: number, minor: number]> = new Map([
  ['atlantic', [5, 19]],
  ['funeth', [5, 18]],
  ['mtk_soc_eth', [6, 0]],
]);

/** Whether the driver is known to have native XDP in a kernel of this version; undefined: not known. */
export function isKnownNative(
  driver: string,
  kernel: { readonly major: number; readonly minor: number } | undefined,
): true | undefined {
  if (DRIVERS.has(driver)) return true;
  const since = LATER.get(driver);
  if (since === undefined || kernel === undefined) return undefined;
  const [major, minor] = since;
  return kernel.major > major || (kernel.major === major && kernel.minor >= minor) ? true : undefined;
}
