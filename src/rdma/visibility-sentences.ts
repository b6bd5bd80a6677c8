// SPDX-License-Identifier: Apache-2.0
// What is said where the RoCE or InfiniBand of an interface cannot be seen, and what to do about it: one wording
// for the doctor, the page and the terminal. No full stops: they are put into longer texts.

export interface HiddenDevice {
  readonly interfaceName: string;
  readonly device: string;
  readonly driver: string;
}

/** evidence: what the hardware counted meanwhile, with a space before it, or ''. */
export function hiddenInfinibandSentence(
  { interfaceName, device }: Pick<HiddenDevice, 'interfaceName' | 'device'>,
  evidence: string,
): string {
  return `native InfiniBand of ${device} NEVER passes ${interfaceName}${evidence}: IP over InfiniBand alone is counted there, in generic mode; for the rest look at the port counters (xtrace_rdma_*)`;
}

/** Likewise. */
export function hiddenOffloadSentence(
  { interfaceName, device, driver }: HiddenDevice,
  evidence: string,
): string {
  return `the RoCE of ${interfaceName} CANNOT be seen here: ${device} (${driver}) takes it before the interface${evidence}; no RoCE in the metrics does not mean that there is none, and the port counters alone (xtrace_rdma_*) count it`;
}

/** Of cards of mlx5: others have no such way around the kernel. */
export function untrackedSentence({
  interfaceName,
  device,
}: Pick<HiddenDevice, 'interfaceName' | 'device'>): string {
  return `whose the queue pairs behind ${interfaceName} are (xtrace_rdma_queue_pairs) is known where the driver of ${device} in the kernel creates them; those that libraries create past it (DEVX, as UCX does, and GDAKI, as NCCL and NVSHMEM do) are in no list of the kernel, and missing there`;
}

/** Of a card whose RoCE may be switched off. */
export function perhapsHiddenSentence({ interfaceName, device, driver }: HiddenDevice): string {
  return `it is UNKNOWN whether ${device} (${driver}) takes RoCE before it reaches ${interfaceName}: the device has no GID there, so its RoCE may be off (enable_roce); then all RoCE is counted, and xtrace_roce_visibility says mirror once RoCE is seen`;
}

export function mirrorRemedySentence(interfaceName: string): string {
  return `to see the RoCE of ${interfaceName}, mirror its port at the switch to a monitor host, on a card that does no RDMA or has RoCE switched off there (mlx5: ${enableRoceOff('ADDRESS')})`;
}

/**
 * Documentation/networking/devlink/mlx5.rst: with it off, RoCE's UDP port is raw Ethernet to the card. A
 * host's own address is not shown where it may do RDMA for a living: the line will be copied.
 */
export function enableRoceOff(pciAddress: string): string {
  const device = `pci/${pciAddress}`;
  return `devlink dev param set ${device} name enable_roce value false cmode driverinit; devlink dev reload ${device}`;
}
