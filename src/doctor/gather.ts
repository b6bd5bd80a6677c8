// SPDX-License-Identifier: Apache-2.0
// Looks at the host once and returns what it found. Attaches nothing but for a probe, and then only for
// as long as attaching takes. Every question is a part: what is not allowed here is a fact, no fault.

import type { AttachOutcome } from '../kernel/attach.js';
import type { Incumbent } from '../kernel/attach-advice.js';
import type { NeededCapability } from '../kernel/capabilities.js';
import { isKnownNative } from '../kernel/host-facts/native-drivers.js';
import type { XdpFeature } from '../kernel/host-facts/xdp-features.js';
import type { KernelObject } from '../kernel/load.js';
import type { RdmaRound } from '../rdma/port-reader.js';
import { framingOf } from '../system/framing.js';
import type { HostLimits } from '../system/host-limits.js';
import type { NetworkInterface } from '../system/interfaces.js';
import { parseKernelVersion } from '../system/kernel-version.js';
import type { NetdevRole } from '../system/netdev-role.js';
import type {
  DoctorFacts,
  InterfaceFacts,
  LibbpfFacts,
  LinkFacts,
  NativeXdp,
  ObjectLoad,
  ProbeFacts,
  Wanted,
} from './facts.js';
import { rdmaFactsOf } from './rdma-growth.js';

export interface GatherOptions {
  readonly version: string;
  readonly wanted: Wanted;
  /** Names, as the exporter would choose them. */
  readonly configured: readonly string[];
  readonly kernelRelease: string;
  readonly sysfsPath: string;
  /** Between two readings of the hardware's counters. */
  readonly waitMs: number;
  /** Attach to the configured interfaces for a moment. */
  readonly probe: boolean;
}

export interface GatherParts {
  readonly limits: HostLimits;
  readonly missingCapabilities: readonly NeededCapability[];
  /** Opens libbpf, or says why it cannot. */
  readonly libbpf: LibbpfFacts;
  listInterfaces(): readonly NetworkInterface[];
  /** The object, loaded; the caller closes it. Throws what loadKernelObject() does. */
  load(): KernelObject;
  attach(object: KernelObject, one: NetworkInterface): AttachOutcome;
  /** What has XDP on an interface; undefined where nothing does, or the kernel does not tell. */
  incumbentOf(ifindex: number): Incumbent | undefined;
  xdpFeaturesOf(ifindex: number): readonly XdpFeature[] | undefined;
  roleOf(name: string): NetdevRole;
  /** Whether sysfs shows these interfaces and no others; undefined where there is no sysfs. */
  isSysfsOf(interfaces: readonly NetworkInterface[]): boolean | undefined;
  /** A round over all RDMA ports, with the relatives of these interfaces; undefined where there is none. */
  readRdma(interfaces: readonly string[]): Promise<RdmaRound | undefined>;
  nowMs(): number;
  sleep(delayMs: number): Promise<void>;
}

export async function gatherFacts(options: GatherOptions, parts: GatherParts): Promise<DoctorFacts> {
  let present = parts.listInterfaces();
  let isSysfsOurs = parts.isSysfsOf(present);
  if (isSysfsOurs === false) {
    present = parts.listInterfaces(); // one may have come or gone in between
    isSysfsOurs = parts.isSysfsOf(present);
  }
  const rdmaOf = await watchRdma(options, parts, present);
  const loaded = tryLoad(parts);
  try {
    const links = new Map(
      present.map((one) => {
        const isConfigured = options.configured.includes(one.name);
        const link: LinkFacts = {
          index: one.index,
          linkType: one.linkType,
          mtuBytes: one.mtuBytes,
          isUp: one.isUp,
          driver: one.driver,
          role: isSysfsOurs === true ? parts.roleOf(one.name) : undefined,
          native: nativeOf(options, parts, one),
          incumbent: parts.incumbentOf(one.index),
          rdma: rdmaOf.facts(one.name),
          probe:
            options.probe && isConfigured && loaded.object !== undefined
              ? probe(parts, loaded.object, one)
              : undefined,
        };
        return [one.name, link] as const;
      }),
    );
    return {
      version: options.version,
      wanted: options.wanted,
      host: {
        ...parts.limits,
        kernelRelease: options.kernelRelease,
        libbpf: parts.libbpf,
        missingCapabilities: parts.missingCapabilities,
        object: loaded.result,
        sysfsPath: options.sysfsPath,
        isSysfsOurs,
        rdmaDevices: rdmaOf.devices,
      },
      interfaces: inOrder(options.configured, links),
    };
  } finally {
    loaded.object?.close();
  }
}

function inOrder(
  configured: readonly string[],
  links: ReadonlyMap<string, LinkFacts>,
): readonly InterfaceFacts[] {
  const others = [...links.keys()].filter((name) => !configured.includes(name));
  return [
    ...configured.map((name) => ({ name, isConfigured: true, link: links.get(name) })),
    ...others.map((name) => ({ name, isConfigured: false, link: links.get(name) })),
  ];
}

/** Two readings, and a wait between them where there is something to wait for. */
async function watchRdma(
  { wanted, waitMs }: GatherOptions,
  parts: GatherParts,
  present: readonly NetworkInterface[],
) {
  const names = present.map((one) => one.name);
  const first = wanted.readsRdma ? await parts.readRdma(names) : undefined;
  if (first === undefined || first.ports.length === 0) return { devices: [], facts: () => [] };
  const startedMs = parts.nowMs();
  await parts.sleep(waitMs);
  const second = (await parts.readRdma(names)) ?? first;
  const spanMs = parts.nowMs() - startedMs;
  return {
    devices: [...new Set(first.ports.map(({ name }) => name.device))],
    facts: (interfaceName: string) => rdmaFactsOf(interfaceName, first, second, spanMs),
  };
}

function tryLoad(parts: GatherParts): { result: ObjectLoad; object?: KernelObject } {
  try {
    const object = parts.load();
    const file = object.objectPath.replace(/^.*\//, '');
    return { result: { isLoaded: true, file, flavours: object.flavours }, object };
  } catch (error) {
    const sentence = error instanceof Error ? error.message : String(error);
    return { result: { isLoaded: false, sentence } };
  }
}

function nativeOf(options: GatherOptions, parts: GatherParts, one: NetworkInterface): NativeXdp {
  const features = parts.xdpFeaturesOf(one.index);
  if (features !== undefined) return { source: 'kernel', isSupported: features.includes('basic'), features };
  return isKnownNative(one.driver, parseKernelVersion(options.kernelRelease)) === true
    ? { source: 'table', isSupported: true }
    : { source: 'unknown' };
}

function probe(parts: GatherParts, object: KernelObject, one: NetworkInterface): ProbeFacts | undefined {
  if (framingOf(one.linkType, one.name).framing === undefined) return undefined;
  const outcome = parts.attach(object, one);
  if (!outcome.attached) return { isAttached: false, sentence: outcome.sentence };
  outcome.link.close();
  // The twin of a failed step mostly fails for the same reason.
  const refusals = new Set(outcome.failures.map((failure) => `${failure.mode}: ${failure.advice}`));
  return { isAttached: true, mode: outcome.mode, flavour: outcome.flavour, refusals: [...refusals] };
}
