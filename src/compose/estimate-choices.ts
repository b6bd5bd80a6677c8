// SPDX-License-Identifier: Apache-2.0
// The choices of an estimate as the configuration would have them: what the kernel would keep of a key, the
// labels it would be shown with, and whether the configuration takes it.

import type { Config } from '../config/config.js';
import { ALL_LABELS, flowDetail } from '../config/flow-labels.js';
import { configConflicts } from '../config/resolve-config.js';
import type { ChoiceInput } from '../estimate/estimate.js';
import { CONFIGURED_ID, type LabelChoice, labelChoices } from '../estimate/label-choice.js';
import { createProjection, type Projection } from '../estimate/projection.js';
import { createKeyMerger } from '../flows/key-merger.js';
import { createFlowLabelRenderer } from '../metrics/flow-labels.js';
import { type FlowParts, flowLabelOptions } from './connect-flows.js';
import { foldedPorts, keptDetail } from './connect-kernel.js';

export interface EstimateChoice {
  readonly input: ChoiceInput;
  readonly projection: Projection;
}

/** Whether one port is switched off by the older settings, which hold beside flows.ports. */
export function switchesPortOff({ flows }: Config): boolean {
  return !flows.srcPort || !flows.dstPort;
}

export function connectChoices(flowParts: FlowParts): readonly EstimateChoice[] {
  const { flows } = flowParts.config;
  return labelChoices(flows).map((choice) => {
    const config = withChoice(flowParts.config, choice);
    const [conflict] = choice.id === CONFIGURED_ID ? [] : configConflicts(config);
    return {
      input: {
        ...choice,
        labels: createFlowLabelRenderer(flowLabelOptions({ ...flowParts, config })),
        ...(conflict === undefined ? {} : { conflict: `${conflict.path}: ${conflict.message}` }),
      },
      projection: projectionOf(config, flowParts.networks),
    };
  });
}

/** What tells pairs of RoCE apart: no more than their addresses, and queue pairs where asked for. */
export function rocePairProjection(config: Config): Projection {
  const labels = ['src_ip', 'dst_ip', 'traffic_type', 'interface'] as const;
  const flows = { ...config.flows, labels, ports: 'all', vlan: false } as const;
  return projectionOf({ ...config, flows });
}

/** Everything that flows can be told apart by. */
export function withFullDetail(config: Config): Config {
  const { flows, roce } = config;
  const whole = { ports: 'all', srcPort: true, dstPort: true, vlan: true } as const;
  return {
    ...config,
    flows: { ...flows, ...whole, labels: ALL_LABELS, ipv4PrefixLength: 32, ipv6PrefixLength: 128 },
    roce: { ...roce, perQueuePair: true },
  };
}

function withChoice(config: Config, { id, settings }: LabelChoice): Config {
  if (id === CONFIGURED_ID) return config;
  const labels = ALL_LABELS.filter((name) => settings.labels.includes(name));
  return { ...config, flows: { ...config.flows, ...settings, labels, srcPort: true, dstPort: true } };
}

function projectionOf({ flows, roce }: Config, networks?: FlowParts['networks']): Projection {
  const detail = flowDetail(flows, roce.perQueuePair);
  return createProjection(keptDetail(detail), {
    foldedPorts: flows.ports === 'service' ? foldedPorts(flows) : undefined,
    mergeKey: createKeyMerger(detail, networks),
  });
}
