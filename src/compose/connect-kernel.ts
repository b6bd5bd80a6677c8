// SPDX-License-Identifier: Apache-2.0
// The kernel's side of the exporter, wired: the object as configured, and the interfaces it hangs on.

import { createKeyMasks } from '../abi/key-masks.js';
import { type Attachments, createAttachments } from '../attach/attachments.js';
import type { InterfaceIds } from '../attach/interface-ids.js';
import type { Config } from '../config/config.js';
import { kindsWanted } from '../flows/filter.js';
import { attachXdp } from '../kernel/attach.js';
import { type KernelObject, loadKernelObject } from '../kernel/load.js';
import type { Netdev } from '../kernel/netdev.js';
import type { Logger } from '../log.js';
import type { SelfMetrics } from '../metrics/self-metrics.js';
import { framingOf } from '../system/framing.js';

export function loadObject(
  config: Config,
  paths: { readonly objectPath: string; readonly portableObjectPath: string },
): KernelObject {
  const { flows, kernel } = config;
  return loadKernelObject({
    ...paths,
    flowCapacity: kernel.maxFlows,
    slotsPerCpu: kernel.slotsPerCpu,
    maxSlotBytes: kernel.maxSlotBytes,
    kindsWanted: kindsWanted(config.filter),
    ...createKeyMasks({ ...flows, queuePair: false }),
  });
}

export function connectAttachments(parts: {
  readonly interfaces: readonly string[];
  readonly config: Config;
  readonly object: KernelObject;
  readonly netdev: Netdev;
  readonly ids: InterfaceIds;
  readonly selfMetrics: SelfMetrics;
  readonly log: Logger;
}): Attachments {
  const { object, netdev, ids, selfMetrics, log } = parts;
  return createAttachments(parts.interfaces, {
    ids,
    readInterface(name) {
      const facts = netdev.read(name);
      if (facts === undefined) return undefined;
      const verdict = framingOf(facts.linkType, name);
      return { index: facts.index, framing: verdict.framing ?? verdict.sentence };
    },
    attach: (interfaceName, ifindex, framing) =>
      attachXdp({ object, ifindex, interfaceName, framing, mode: parts.config.attachMode }),
    onFailure: (name, failure) => selfMetrics.recordAttachFailure(name, failure.mode, failure.errnoName),
    onReattached: (name) => selfMetrics.recordReattachment(name),
    log,
  });
}
