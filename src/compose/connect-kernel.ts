// SPDX-License-Identifier: Apache-2.0
// The kernel's side of the exporter, wired: the object as configured, and the interfaces it hangs on.

import { createKeyMasks, type KeyDetail } from '../abi/key-masks.js';
import { ephemeralPorts } from '../abi/port-folding.js';
import { type AttachmentParts, type Attachments, createAttachments } from '../attach/attachments.js';
import type { InterfaceIds } from '../attach/interface-ids.js';
import type { Programs } from '../attach/replace-program.js';
import { type Clock, systemClock } from '../clock.js';
import type { Config } from '../config/config.js';
import { type FlowDetail, flowDetail } from '../config/flow-labels.js';
import { kindsWanted } from '../flows/filter.js';
import { attachXdp } from '../kernel/attach.js';
import { type KernelObject, type LoadOptions, loadKernelObject } from '../kernel/load.js';
import type { Netdev } from '../kernel/netdev.js';
import type { PinnedLinks } from '../kernel/pins/pinned-links.js';
import type { SelfMetrics } from '../metrics/self-metrics.js';
import { createDrain, type Drain } from '../reader/drain.js';
import { framingOf } from '../system/framing.js';
import type { LinkTable } from '../system/link-table.js';
import { readLocalPorts } from '../system/local-ports.js';
import { interfacesMeant } from './choose-interfaces.js';
import { followLinks } from './follow-links.js';

/** A stream of PSNs that is silent for so long begins anew: its queue pair may be another by then. */
const PSN_IDLE_MS = 60_000;
/** The PSN state keeps 15 bits of the refresh number. */
const PSN_IDLE_MOST_REFRESHES = 8_191;
/** Where RoCE is not read, its maps are there nevertheless. */
const UNUSED_STREAMS = 64;

export interface ObjectPaths {
  readonly objectPath: string;
  readonly portableObjectPath: string;
}

export function loadObject(config: Config, paths: ObjectPaths): KernelObject {
  return loadKernelObject(loadOptionsOf(config, paths));
}

export function loadOptionsOf(config: Config, paths: ObjectPaths): LoadOptions {
  const { flows, kernel, roce } = config;
  const detail = flowDetail(flows, roce.perQueuePair);
  const psnIdleRefreshes = Math.max(2, Math.ceil(PSN_IDLE_MS / config.intervalMs));
  return {
    objectPath: paths.objectPath,
    portableObjectPath: paths.portableObjectPath,
    flowCapacity: kernel.maxFlows,
    slotsPerCpu: kernel.slotsPerCpu,
    maxSlotBytes: kernel.maxSlotBytes,
    kindsWanted: kindsWanted(config.filter),
    ...createKeyMasks(keptDetail(detail)),
    ...(flows.ports === 'service' ? { ephemeralPorts: foldedPorts(flows) } : {}),
    roce: {
      isEnabled: roce.enabled,
      decapMirror: roce.decapMirror,
      streamCapacity: roce.enabled ? roce.maxStreams : UNUSED_STREAMS,
      psnIdleMaxRefreshes: Math.min(PSN_IDLE_MOST_REFRESHES, psnIdleRefreshes),
    },
  };
}

export function foldedPorts(flows: Config['flows']): Uint32Array {
  const range = flows.ephemeralPorts === 'host' ? readLocalPorts({ root: '/' }) : flows.ephemeralPorts;
  return ephemeralPorts(range, flows.servicePorts);
}

export function connectDrain({ maps }: KernelObject, ids: InterfaceIds, clock: Clock): Drain {
  return createDrain({
    maps,
    interfaceIdOf: (ifindex) => ids.idOf(ifindex),
    ifindexOf: (id) => ids.ifindexOf(id),
    yieldToLoop: clock.yieldToLoop,
    nowMs: clock.nowMs,
  });
}

/** What the kernel keeps for labels: of a network, the address. */
export function keptDetail(shown: FlowDetail): KeyDetail {
  return {
    ...shown,
    srcIp: shown.srcIp || shown.srcNetwork,
    dstIp: shown.dstIp || shown.dstNetwork,
  };
}

/**
 * What an object's programs are for attachments: to attach by, or to put in the place of others.
 * @param links where links are pinned.
 */
export function programsOf(
  object: KernelObject,
  { attachMode }: Pick<Config, 'attachMode'>,
  links?: Pick<PinnedLinks, 'attach'>,
): Programs {
  return {
    flavours: object.flavours,
    attachMode,
    programFd: (framing, flavour) => object.programFd(framing, flavour),
    programFdOffLoop: (framing, flavour) => object.programFdOffLoop(framing, flavour),
    attach: (interfaceName, ifindex, framing, isPatient) =>
      (links?.attach ?? attachXdp)({ object, ifindex, interfaceName, framing, mode: attachMode, isPatient }),
  };
}

export function connectAttachments(parts: {
  readonly config: Config;
  readonly object: KernelObject;
  readonly links?: Pick<PinnedLinks, 'attach'> | undefined;
  readonly netdev: Netdev;
  readonly linkTable: LinkTable;
  readonly ids: InterfaceIds;
  readonly selfMetrics: Pick<SelfMetrics, 'recordAttachFailure' | 'recordReattachment'>;
  readonly log: AttachmentParts['log'];
}): Attachments {
  const { object, linkTable, ids, selfMetrics, log } = parts;
  const attachments = createAttachments(interfacesMeant(parts.config, parts), {
    ids,
    nameOfIndex: (ifindex) => linkTable.links.get(ifindex)?.name,
    readInterface(name) {
      const link = linkTable.named(name);
      if (link === undefined) return undefined;
      const verdict = framingOf(link.linkType, name);
      return { index: link.index, framing: verdict.framing ?? verdict.sentence };
    },
    attach: programsOf(object, parts.config, parts.links).attach,
    onFailure: (name, failure) => selfMetrics.recordAttachFailure(name, failure.mode, failure.errnoName),
    onReattached: (name) => selfMetrics.recordReattachment(name),
    log,
  });
  return followLinks(attachments, { links: linkTable, clock: systemClock(), log });
}
