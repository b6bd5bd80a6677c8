// SPDX-License-Identifier: Apache-2.0
// What is shown of the exporter's answers (docs/api.md). Texts are visible ones; numbers are finite. A number
// that is not known is undefined. Types only.

/** Of flows bits per second; of pairs bits per second of payload. */
export interface RateWindow {
  readonly askedSeconds: number;
  /** Over which it goes. */
  readonly seconds: number;
  readonly bitsPerSecond: number;
}

export interface Overview {
  readonly refresh: number;
  readonly atMs: number;
  readonly version: string;
  readonly hostIp: string;
  readonly collectAgg: string;
  readonly intervalMs: number;
  readonly verdict: {
    readonly level: 'ok' | 'warning' | 'problem';
    readonly sentence: string;
    readonly findings: readonly { readonly level: string; readonly sentence: string }[];
  };
  readonly interfaces: readonly InterfaceRate[];
  /** Why nothing came in, where nothing did. */
  readonly empty: string | undefined;
  readonly series: { readonly count: number; readonly limit: number; readonly flows: number };
  readonly pairs: { readonly count: number; readonly limit: number };
}

export interface InterfaceRate {
  readonly name: string;
  /** For asking. */
  readonly rawName: string;
  readonly isAttached: boolean;
  /** `native` or `generic`; empty where it is not attached. */
  readonly mode: string;
  readonly note: string;
  readonly packetsPerSecond: number;
  readonly totalBytes: number;
  readonly windows: readonly RateWindow[];
  readonly types: readonly { readonly trafficType: string; readonly bitsPerSecond: number }[];
}

/** What flows and pairs have alike. */
export interface TrafficRow {
  /** For asking. */
  readonly id: string;
  readonly source: string;
  readonly destination: string;
  readonly interfaceName: string;
  readonly beganMs: number | undefined;
  /** Empty where it is not followed. */
  readonly windows: readonly RateWindow[];
  readonly bitsPerSecond: number | undefined;
  readonly packetsPerSecond: number | undefined;
  readonly totalBytes: number;
  readonly totalPackets: number;
}

export interface FlowRate extends TrafficRow {
  readonly trafficType: string;
  readonly labels: readonly (readonly [name: string, value: string])[];
}

export interface PairRate extends TrafficRow {
  readonly ceShare: number | undefined;
  readonly cnpPerSecond: number | undefined;
  /** In the last interval. */
  readonly naks: number | undefined;
  readonly rnrNaks: number | undefined;
  readonly psnGaps: number | undefined;
  readonly retransmitted: number | undefined;
  readonly queuePairs: number | undefined;
  readonly sourcePorts: number | undefined;
  /** Sentences. */
  readonly trouble: readonly string[];
  /** Names and values of all its numbers, as the answer has them. */
  readonly numbers: readonly (readonly [name: string, value: number])[];
}

/** The largest rows, and how many there are. */
export interface TopRows<Row> {
  readonly refresh: number;
  readonly rows: readonly Row[];
  readonly allCount: number;
  /** Why there are none. */
  readonly empty: string | undefined;
  /** Whether rates over windows are known, or will never be. */
  readonly hasRates: boolean;
}

export type TopFlows = TopRows<FlowRate>;
export type TopPairs = TopRows<PairRate>;

/** A point for each refresh; undefined where the row was not followed. */
export interface RowHistory {
  readonly id: string;
  readonly bitsPerSecond: readonly (number | undefined)[];
  readonly seconds: number;
}
