// SPDX-License-Identifier: Apache-2.0
// Everything the doctor knows of a host, as plain data: what gather.ts finds, judge.ts judges and the
// renderers show. Types only.

import type { Incumbent } from '../kernel/attach-advice.js';
import type { NeededCapability } from '../kernel/capabilities.js';
import type { XdpFeature } from '../kernel/host-facts/xdp-features.js';
import type { ProgramFlavour } from '../kernel/load.js';
import type { RdmaLinkLayer } from '../rdma/ports.js';
import type { RoceVisibility } from '../rdma/visibility.js';
import type { HostLimits } from '../system/host-limits.js';
import type { NetdevRole } from '../system/netdev-role.js';

export interface DoctorFacts {
  readonly version: string;
  readonly wanted: Wanted;
  readonly host: HostFacts;
  /** The configured ones first, in the order given, then the others by index. */
  readonly interfaces: readonly InterfaceFacts[];
}

/** Of the configuration, what the verdict hangs on. */
export interface Wanted {
  readonly attachMode: 'auto' | 'native' | 'generic';
  readonly decapMirror: boolean;
  /** RDMA devices are looked for. */
  readonly readsRdma: boolean;
}

export interface HostFacts extends HostLimits {
  /** As `uname -r` has it. */
  readonly kernelRelease: string;
  readonly libbpf: LibbpfFacts;
  readonly missingCapabilities: readonly NeededCapability[];
  readonly object: ObjectLoad;
  readonly sysfsPath: string;
  /** Whether class/net under it shows our network namespace; undefined where there is none. */
  readonly isSysfsOurs: boolean | undefined;
  /** RDMA devices seen from here, whatever interface they belong to. */
  readonly rdmaDevices: readonly string[];
}

/** Its version, as `1.1`, or why it is not there. */
export type LibbpfFacts =
  | { readonly version: string; readonly sentence?: never }
  | { readonly version?: never; readonly sentence: string };

/** What the kernel said to our object; it was loaded and closed again. */
export type ObjectLoad =
  | { readonly isLoaded: true; readonly file: string; readonly flavours: readonly ProgramFlavour[] }
  | { readonly isLoaded: false; readonly sentence: string };

export interface InterfaceFacts {
  readonly name: string;
  readonly isConfigured: boolean;
  /** Undefined where there is no such interface. */
  readonly link: LinkFacts | undefined;
}

export interface LinkFacts {
  readonly index: number;
  /** ARPHRD number; its name is linkTypeName(). */
  readonly linkType: number;
  readonly mtuBytes: number;
  readonly isUp: boolean;
  /** '' where the device does not tell. */
  readonly driver: string;
  /** Undefined where sysfs is another namespace's, or there is none. */
  readonly role: NetdevRole | undefined;
  readonly native: NativeXdp;
  readonly incumbent: Incumbent | undefined;
  /** One per RDMA device of the interface; none where RDMA was not looked for. */
  readonly rdma: readonly RdmaFacts[];
  /** Only with --probe, of a configured interface. */
  readonly probe: ProbeFacts | undefined;
}

/**
 * Whether the driver has native XDP. `kernel`: the kernel says so now, with what else the device can;
 * `table`: the driver is known to have it; `unknown`: only trying tells.
 */
export type NativeXdp =
  | { readonly source: 'kernel'; readonly isSupported: boolean; readonly features: readonly XdpFeature[] }
  | { readonly source: 'table'; readonly isSupported: true }
  | { readonly source: 'unknown' };

export interface RdmaFacts {
  readonly device: string;
  readonly state: RoceVisibility;
  readonly driver: string;
  readonly hasGidNetdevs: boolean;
  readonly ports: readonly RdmaPortFacts[];
}

export interface RdmaPortFacts {
  readonly port: number;
  readonly linkLayer: RdmaLinkLayer | undefined;
  /** `active`, `down`; undefined where the port did not answer. */
  readonly state: string | undefined;
  readonly rateBitsPerSecond: number | undefined;
  /** RDMA packets that the hardware received between the two readings; undefined where it does not tell. */
  readonly receivedPackets: number | undefined;
  /** Time between the readings. */
  readonly spanMs: number;
}

/** What came of attaching for a moment. */
export type ProbeFacts =
  | {
      readonly isAttached: true;
      readonly mode: 'native' | 'generic';
      readonly flavour: ProgramFlavour;
      /** Why what would have been better was refused: `native: EOPNOTSUPP: the driver has no ...`. */
      readonly refusals: readonly string[];
    }
  | { readonly isAttached: false; readonly sentence: string };
