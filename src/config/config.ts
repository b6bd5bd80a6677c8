// SPDX-License-Identifier: Apache-2.0
// What the program runs with: the one frozen value made of command line, environment, file and
// defaults. Types only; the defaults stand in settings.ts.

export const TRAFFIC_FILTERS = ['all', 'roce', 'roce_v1', 'roce_v2', 'tcp', 'udp', 'ib'] as const;
export type TrafficFilter = (typeof TRAFFIC_FILTERS)[number];

export const ATTACH_MODES = ['auto', 'native', 'generic'] as const;
export type AttachMode = (typeof ATTACH_MODES)[number];

export const PRINT_MODES = ['auto', 'always', 'never'] as const;
export type PrintMode = (typeof PRINT_MODES)[number];

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const PUSH_FORMATS = ['auto', 'text', 'remote_write', 'remote_write_2'] as const;
export type PushFormat = (typeof PUSH_FORMATS)[number];

export const PUSH_COMPRESSIONS = ['auto', 'snappy', 'zstd'] as const;
export type PushCompression = (typeof PUSH_COMPRESSIONS)[number];

export const LOG_FORMATS = ['logfmt', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Deeply frozen. */
export interface Config {
  /** At least one name, each once, in the order given. */
  readonly interfaces: readonly string[];
  /** False when nobody named an interface: `interfaces` is then only the default. */
  readonly interfacesGiven: boolean;
  readonly filter: TrafficFilter;
  /** Time between two drains and refreshes. */
  readonly intervalMs: number;
  /** Leave out traffic from or to well-known DNS resolvers. */
  readonly excludeDns: boolean;
  /** Value of the label collect_agg; never empty. */
  readonly collectAgg: string;
  readonly attachMode: AttachMode;
  /** Flow lines on stdout; `auto` = when it is a terminal. */
  readonly print: PrintMode;
  readonly flows: FlowsConfig;
  readonly kernel: KernelConfig;
  readonly roce: RoceConfig;
  readonly rdma: RdmaConfig;
  readonly web: WebConfig;
  readonly log: LogConfig;
  readonly push: PushConfig;
}

export interface FlowsConfig {
  /** Most flows that have a series of their own. */
  readonly maxSeries: number;
  /** Beyond it no series begins in the place of another when all are in use. */
  readonly maxNewSeriesPerMinute: number;
  /** As given; whoever expires flows waits two intervals at least. */
  readonly idleTimeoutMs: number;
  /** False: the port is zeroed in the kernel, so flows that differ in nothing else are one. */
  readonly srcPort: boolean;
  readonly dstPort: boolean;
  readonly vlan: boolean;
  /** Leading bits of an address that are kept; 32 and 128 keep it whole. */
  readonly ipv4PrefixLength: number;
  readonly ipv6PrefixLength: number;
}

export interface KernelConfig {
  /** Entries of each flow map: the flows of one interval. */
  readonly maxFlows: number;
  /** A power of two. */
  readonly slotsPerCpu: number;
  /** Above it the slots per CPU are halved until they fit. */
  readonly maxSlotBytes: number;
}

/** What is read of RoCE packets' own headers. */
export interface RoceConfig {
  /** False: RoCE packets are counted as flows only. */
  readonly enabled: boolean;
  /** Adds the label queue_pair to RoCE's pairs and to flows. */
  readonly perQueuePair: boolean;
  /** RoCE inside ERSPAN and GRE counts as what it was before it was mirrored. */
  readonly decapMirror: boolean;
  /** Most pairs that have series of their own. */
  readonly maxPairs: number;
  /** Entries of the kernel's stream map, the streams of one interval, and of its PSN tracker. */
  readonly maxStreams: number;
}

export interface RdmaConfig {
  /** Read the counters of RDMA devices. */
  readonly enabled: boolean;
  /** An absolute path: where class/infiniband is looked for. */
  readonly sysfsPath: string;
}

/** What `xtrace-catch doctor` was asked for; from the command line alone. */
export interface DoctorConfig {
  readonly json: boolean;
  /** Attach to the configured interfaces for a moment. */
  readonly probe: boolean;
  /** Between two readings of the hardware's counters. */
  readonly waitMs: number;
}

export interface WebConfig {
  /** HOST:PORT, :PORT or [IPV6]:PORT; port 0 = any free one. */
  readonly listenAddress: string;
  /** Starts with a slash; never the landing page or a path under /-/. */
  readonly telemetryPath: string;
  /** Scrapes served at the same time. */
  readonly maxRequests: number;
}

export interface LogConfig {
  readonly level: LogLevel;
  readonly format: LogFormat;
}

/** File paths are absolute, or empty where there is none. */
export interface PushConfig {
  readonly enabled: boolean;
  /** An http or https URL, perhaps with a user and a password. */
  readonly url: string;
  /** As given; choosePushFormat() makes `auto` one of the others. */
  readonly format: PushFormat;
  /** Of remote write 1.0; the other formats know one compression each. */
  readonly compression: PushCompression;
  /** Sent along with each request; none of those that we set ourselves. */
  readonly headers: Readonly<Record<string, string>>;
  /** Both empty or both given. */
  readonly basicAuth: { readonly username: string; readonly passwordFile: string };
  readonly bearerTokenFile: string;
  readonly tls: PushTlsConfig;
  /** From the start of a request to the end of its answer. */
  readonly timeoutMs: number;
  /** Most bytes that wait in memory. */
  readonly queueMaxBytes: number;
  readonly batchMaxSamples: number;
  /** A batch whose samples are older is dropped. */
  readonly maxAgeMs: number;
  readonly retry: PushRetryConfig;
  /** An absolute path of a folder, or empty: no spool. */
  readonly spoolPath: string;
  readonly spoolMaxBytes: number;
  /** Labels that every pushed series gets; never job and instance. */
  readonly extraLabels: Readonly<Record<string, string>>;
  readonly job: string;
  /** Empty: the host's name, with the port of /metrics. */
  readonly instance: string;
}

export interface PushTlsConfig {
  readonly caFile: string;
  /** certFile and keyFile are both empty or both given. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Empty: the host of the URL. */
  readonly serverName: string;
  readonly insecureSkipVerify: boolean;
}

export interface PushRetryConfig {
  readonly minBackoffMs: number;
  /** Never below minBackoffMs. */
  readonly maxBackoffMs: number;
  readonly on429: boolean;
}
