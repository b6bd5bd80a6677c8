// SPDX-License-Identifier: Apache-2.0
// What an interface's metrics must say of frames that were sent, by the reference parser; and what a
// scrape says, in the same form. The two must be equal to the unit. For tests only.

import { FRAMING, KIND, trafficType } from '../../../src/abi/kinds.js';
import { frameReasonName } from '../../../src/abi/reasons.js';
import { canonicalAddress } from '../frames/addresses.js';
import type { Exposition } from './exposition-parser.js';
import { type ParsedFrame, parseFrame } from './reference-parser.js';
import type { Sum } from './tshark-truth.js';

/** Everything that is shown of one interface. Keys are to be read by people; see the functions below. */
export interface Counts {
  /** Flow series: traffic type, both ends, protocol, and the VLAN where that is shown. */
  readonly flows: ReadonlyMap<string, Sum>;
  /** What has no series: traffic type and reason. */
  readonly others: ReadonlyMap<string, Sum>;
  /** Interface totals, by traffic type. */
  readonly totals: ReadonlyMap<string, Sum>;
  /** Packets without a flow, by what the parser met. */
  readonly reasons: ReadonlyMap<string, number>;
}

export interface ExpectedOptions {
  /** What labels keep of a key. Default: all but VLAN and queue pair, as the defaults of flows.*. */
  shown?(key: ParsedFrame): ParsedFrame;
  /** Whether the series carry the label vlan. Default false. */
  readonly withVlan?: boolean;
  /** Whether the filter wants the flow. Default: all. */
  wanted?(key: ParsedFrame): boolean;
}

const UNITS = ['packets', 'bytes'] as const;
const MAPPED_IPV4 = /^0:0:0:0:0:ffff:([0-9a-f]+):([0-9a-f]+)$/;

/** Adds up frames on an Ethernet interface. */
export class ExpectedCounts implements Counts {
  readonly flows = new Map<string, Sum>();
  readonly others = new Map<string, Sum>();
  readonly totals = new Map<string, Sum>();
  readonly reasons = new Map<string, number>();
  readonly #options: ExpectedOptions;

  constructor(options: ExpectedOptions = {}) {
    this.#options = options;
  }

  /** All of it, in one sum. */
  get total(): Sum {
    return [...this.totals.values()].reduce(plus, { packets: 0, bytes: 0 });
  }

  /** The same list was sent so many times. */
  add(frames: readonly Buffer[], times: number): void {
    for (const frame of frames) {
      this.#addFrame(parseFrame(frame, FRAMING.ethernet), {
        packets: times,
        bytes: times * frame.length,
      });
    }
  }

  #addFrame(key: ParsedFrame, sum: Sum): void {
    const { shown = (same) => same, withVlan = false, wanted = () => true } = this.#options;
    const type = trafficType(key.kind).label;
    addTo(this.totals, type, sum);
    if (key.kind === KIND.nonIp || key.kind === KIND.malformed) {
      addTo(this.others, `${type} ${key.kind === KIND.nonIp ? 'non_ip' : 'malformed'}`, sum);
      const reason = frameReasonName(key.protocol);
      this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + sum.packets);
    } else if (!wanted(key)) {
      addTo(this.others, `${type} filtered`, sum);
    } else {
      addTo(this.flows, seriesName(shown(key), withVlan), sum);
    }
  }
}

/** What a scrape says of an interface. Throws on labels that no flow of ours carries. */
export function readCounts(exposition: Exposition, interfaceName: string): Counts {
  const of = { interface: interfaceName };
  const collect = (stem: string, name: (labels: ReadonlyMap<string, string>) => string): Map<string, Sum> => {
    const sums = new Map<string, Sum>();
    for (const unit of UNITS) {
      for (const { labels, value } of exposition.select(`xtrace_${stem}_${unit}_total`, of)) {
        const sum = { packets: 0, bytes: 0, [unit]: value };
        addTo(sums, name(labels), sum);
      }
    }
    return sums;
  };
  return {
    flows: collect('network', nameOfLabels),
    others: collect('other', (labels) => `${labels.get('traffic_type')} ${labels.get('reason')}`),
    totals: collect('interface', (labels) => String(labels.get('traffic_type'))),
    reasons: new Map(
      exposition
        .select('xtrace_frame_reason_packets_total', of)
        .map(({ labels, value }) => [String(labels.get('reason')), value]),
    ),
  };
}

/** How two counts differ, a line each; none where they are equal. Rows of nothing count as no rows. */
export function differences(expected: Counts, actual: Counts): string[] {
  const fields = ['totals', 'others', 'reasons', 'flows'] as const;
  return fields.flatMap((field) => {
    const keys = new Set<string>([...expected[field].keys(), ...actual[field].keys()]);
    return [...keys].flatMap((key) => {
      const [want, have] = [textOf(expected[field].get(key)), textOf(actual[field].get(key))];
      return want === have ? [] : [`${field}: ${key}: expected ${want}, found ${have}`];
    });
  });
}

function textOf(value: Sum | number | undefined): string {
  if (value === undefined) return 'none';
  if (typeof value === 'number') return value === 0 ? 'none' : `${value} packets`;
  return value.packets === 0 && value.bytes === 0
    ? 'none'
    : `${value.packets} packets of ${value.bytes} bytes`;
}

function seriesName(key: ParsedFrame, withVlan: boolean): string {
  const address = (text: string): string => (key.kind === KIND.roceV1 ? unmapped(text) : text);
  return flowText(
    trafficType(key.kind).label,
    `${address(key.srcIp)} ${key.srcPort}`,
    `${address(key.dstIp)} ${key.dstPort}`,
    String(key.protocol),
    withVlan ? String(key.vlan) : undefined,
  );
}

function nameOfLabels(labels: ReadonlyMap<string, string>): string {
  const label = (name: string): string => {
    const value = labels.get(name);
    if (value === undefined) throw new RangeError(`a flow series without ${name}`);
    return value;
  };
  return flowText(
    label('traffic_type'),
    `${canonicalAddress(label('src_ip'))} ${label('src_port')}`,
    `${canonicalAddress(label('dst_ip'))} ${label('dst_port')}`,
    label('protocol'),
    labels.get('vlan'),
  );
}

function flowText(type: string, src: string, dst: string, protocol: string, vlan?: string): string {
  return `${type} ${src} -> ${dst} proto ${protocol}${vlan === undefined ? '' : ` vlan ${vlan}`}`;
}

/** GIDs that map an IPv4 address are shown as IPv4. */
export function unmapped(address: string): string {
  const [, high, low] = MAPPED_IPV4.exec(address) ?? [];
  if (high === undefined || low === undefined) return address;
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [a >> 8, a & 0xff, b >> 8, b & 0xff].join('.');
}

function addTo(sums: Map<string, Sum>, key: string, sum: Sum): void {
  sums.set(key, plus(sums.get(key) ?? { packets: 0, bytes: 0 }, sum));
}

function plus(a: Sum, b: Sum): Sum {
  return { packets: a.packets + b.packets, bytes: a.bytes + b.bytes };
}
