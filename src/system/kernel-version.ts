// SPDX-License-Identifier: Apache-2.0
// The kernel's release as numbers. Pure: os.release() is given.

export interface KernelVersion {
  readonly major: number;
  readonly minor: number;
}

/** The oldest kernel we promise to run on. */
export const OLDEST_KERNEL: KernelVersion = { major: 5, minor: 15 };

/** Of `6.1.0-25-amd64` and the like; undefined where it does not start with two numbers. */
export function parseKernelVersion(release: string): KernelVersion | undefined {
  const match = /^(\d+)\.(\d+)/.exec(release);
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]) };
}

export function isKernelAtLeast(version: KernelVersion, wanted: KernelVersion): boolean {
  return version.major !== wanted.major ? version.major > wanted.major : version.minor >= wanted.minor;
}
