// SPDX-License-Identifier: Apache-2.0
// What the page reads of the answers under /api/v1/, by the keys of docs/api.md. Units stand in the names.

export interface Finding {
  readonly code: string;
  readonly level: string;
  readonly interface: string | null;
  readonly sentence: string;
}

export interface TypeRate {
  readonly traffic_type: string;
  readonly bits_per_second: number;
  readonly packets_per_second: number;
}

export interface RateWindow {
  readonly asked_seconds: number;
  readonly seconds: number;
  readonly bits_per_second: number;
  readonly packets_per_second: number;
}

export interface WatchedInterface {
  readonly name: string;
  readonly attached: boolean;
  readonly mode: string | null;
  readonly note: string;
  readonly roce_visibility: readonly { readonly state: string }[];
  readonly bits_per_second: number;
  readonly packets_per_second: number;
  readonly total_bytes: number;
  readonly windows: readonly RateWindow[];
  readonly types: readonly TypeRate[];
}

export interface Overview {
  readonly refresh: number;
  readonly at_ms: number;
  readonly seconds: number;
  readonly version: string;
  readonly started_ms: number;
  readonly host_ip: string;
  readonly collect_agg: string;
  readonly verdict: {
    readonly level: string;
    readonly sentence: string;
    readonly findings: readonly Finding[];
  };
  readonly interfaces: readonly WatchedInterface[];
  readonly empty: string | null;
  readonly series: { readonly count: number; readonly limit: number; readonly flows: number };
  readonly pairs: { readonly count: number; readonly limit: number };
  readonly push: {
    readonly enabled: boolean;
    readonly up: boolean | null;
    readonly queue_samples: number | null;
    readonly spool_samples: number | null;
  };
  readonly exporter: {
    readonly ready: boolean;
    readonly sentence: string;
    readonly interval_ms: number;
    readonly refresh_ms: number | null;
    readonly stall_ms: number | null;
    readonly resident_memory_bytes: number | null;
    readonly cpu_seconds: number | null;
    readonly event_readers: number;
    readonly event_readers_limit: number;
  };
}

export interface Flow {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly bits_per_second: number;
  readonly packets_per_second: number;
  readonly bytes: number;
  readonly packets: number;
  readonly total_bytes: number;
  readonly total_packets: number;
}

export interface Flows {
  readonly refresh: number;
  readonly seconds: number;
  readonly flows: readonly Flow[];
  readonly rest: { readonly flows: number; readonly bytes: number };
  readonly without_series: { readonly bytes: number } | null;
  readonly all: { readonly flows: number; readonly bytes: number };
  readonly empty: string | null;
}

export interface RocePair {
  readonly id: string;
  readonly interface: string;
  readonly src_ip: string;
  readonly dst_ip: string;
  readonly began_ms: number;
  readonly bits_per_second: number | null;
  readonly payload_bits_per_second: number | null;
  readonly packets_per_second: number | null;
  readonly ce_share: number | null;
  readonly queue_pairs: number | null;
  readonly source_ports: number | null;
  readonly source_port_imbalance: number | null;
  readonly busiest_queue_pair_share: number | null;
  readonly total_bytes: number;
  readonly total_payload_bytes: number;
  readonly total_packets: number;
  readonly trouble: readonly { readonly code: string; readonly sentence: string }[];
  /** Counts of the last seconds (null while unknown) and totals, by the names in docs/api.md. */
  readonly [count: string]: unknown;
}

export interface Pairs {
  readonly refresh: number;
  readonly seconds: number;
  readonly pairs: readonly RocePair[];
  readonly rest: { readonly pairs: number; readonly payload_bytes: number | null };
  readonly empty: string | null;
}

export interface HistorySeries {
  readonly interface?: string;
  readonly traffic_type?: string;
  readonly pair?: string;
  readonly bits_per_second: readonly (number | null)[];
  /** The other columns. */
  readonly [column: string]: unknown;
}

export interface HistoryAnswer {
  readonly refresh: number;
  readonly limit_seconds: number;
  readonly ends_ms: readonly number[];
  readonly seconds_each: readonly number[];
  readonly series: readonly HistorySeries[];
  readonly empty: string | null;
}

export interface RdmaCounter {
  readonly name: string;
  readonly folder: string;
  readonly level: boolean;
  readonly value: number;
  readonly grown: number | null;
  readonly grown_recently: number | null;
}

export interface RdmaPort {
  readonly device: string;
  readonly port: number;
  readonly netdevs: readonly string[];
  readonly driver: string;
  readonly link_layer: string;
  readonly state: string;
  readonly physical_state: string;
  readonly link_bits_per_second: number | null;
  readonly answered: boolean;
  readonly seconds: number | null;
  readonly received_bits_per_second: number | null;
  readonly transmitted_bits_per_second: number | null;
  readonly received_share: number | null;
  readonly transmitted_share: number | null;
  readonly counters: readonly RdmaCounter[];
}

export interface Rdma {
  readonly refresh: number;
  readonly enabled: boolean;
  readonly read_ms: number | null;
  readonly recent_seconds: number | null;
  readonly ports: readonly RdmaPort[];
  readonly empty: string | null;
}

export interface Amount {
  readonly bytes: number;
  readonly packets: number;
}

export interface BooksRow {
  readonly interface: string;
  readonly traffic_type: string;
  readonly seen: Amount;
  readonly shown: Amount;
  readonly pending: Amount;
  readonly other: readonly (Amount & { readonly reason: string })[];
}

export interface Books {
  readonly refresh: number;
  readonly balances: boolean;
  readonly sum: Readonly<Record<'seen' | 'shown' | 'pending' | 'other', Amount>>;
  readonly rows: readonly BooksRow[];
}

/** A message of /api/v1/events. */
export interface RefreshMessage {
  readonly refresh: number;
  readonly at_ms: number;
  readonly seconds: number;
  readonly verdict: { readonly level: string; readonly sentence: string };
  readonly interfaces: readonly { readonly name: string; readonly types: readonly TypeRate[] }[];
  readonly refresh_ms: number | null;
  readonly stall_ms: number | null;
}
