// SPDX-License-Identifier: Apache-2.0
// Every setting with its key in the file, its default and its rule, as data; and the one place
// that knows convict, which lays the sources over each other and refuses what is not declared.
import convict from 'convict';
import {
  ATTACH_MODES,
  type AttachMode,
  LOG_FORMATS,
  LOG_LEVELS,
  type LogFormat,
  type LogLevel,
  PRINT_MODES,
  type PrintMode,
  PUSH_COMPRESSIONS,
  PUSH_FORMATS,
  type PushCompression,
  type PushFormat,
  TRAFFIC_FILTERS,
  type TrafficFilter,
} from './config.js';
import {
  absolutePath,
  hostName,
  httpHeaders,
  labelValueOrNone,
  metricLabels,
  secretFile,
  userName,
} from './push-rules.js';
import {
  absoluteFolder,
  httpUrl,
  interfaceNames,
  labelValue,
  listenAddress,
  oneOf,
  powerOfTwo,
  type Rule,
  telemetryPath,
  truthValue,
  wholeNumber,
} from './rules.js';

/** An entry of a setting that is a mapping: in a list, because convict takes mappings for sections. */
export type NamedText = readonly [name: string, text: string];

/** The configuration in the shape and spelling of the file. */
export interface FileSettings {
  interfaces: string[];
  filter: TrafficFilter;
  interval_ms: number;
  exclude_dns: boolean;
  collect_agg: string;
  attach_mode: AttachMode;
  print: PrintMode;
  flows: {
    max_series: number;
    max_new_series_per_minute: number;
    idle_timeout_ms: number;
    src_port: boolean;
    dst_port: boolean;
    vlan: boolean;
    ipv4_prefix_length: number;
    ipv6_prefix_length: number;
  };
  kernel: { max_flows: number; slots_per_cpu: number; max_slot_bytes: number };
  roce: {
    enabled: boolean;
    per_queue_pair: boolean;
    decap_mirror: boolean;
    max_pairs: number;
    max_streams: number;
  };
  rdma: { enabled: boolean; sysfs_path: string };
  web: { listen_address: string; telemetry_path: string; max_requests: number };
  log: { level: LogLevel; format: LogFormat };
  push: {
    enabled: boolean;
    url: string;
    format: PushFormat;
    compression: PushCompression;
    headers: readonly NamedText[];
    basic_auth: { username: string; password_file: string };
    bearer_token_file: string;
    tls: {
      ca_file: string;
      cert_file: string;
      key_file: string;
      server_name: string;
      insecure_skip_verify: boolean;
    };
    timeout_ms: number;
    queue_max_bytes: number;
    batch_max_samples: number;
    max_age_ms: number;
    retry: { min_backoff_ms: number; max_backoff_ms: number; on_429: boolean };
    spool_path: string;
    spool_max_bytes: number;
    extra_labels: readonly NamedText[];
    job: string;
    instance: string;
  };
}

export interface Setting<T = unknown> {
  readonly default: T;
  readonly rule: Rule;
}
/** A mapping of names to texts, whose rule judges the list of its entries. */
export interface MappingSetting extends Setting<Readonly<Record<string, string>>> {
  readonly isMapping: true;
}
/** A setting, or a section of settings by key. */
export type SettingNode = Setting | { readonly [key: string]: SettingNode };

type SettingsOf<T> = {
  readonly [K in keyof T]: T[K] extends string | number | boolean | readonly string[]
    ? Setting<T[K]>
    : T[K] extends readonly NamedText[]
      ? MappingSetting
      : SettingsOf<T[K]>;
};

const HOUR_MS = 3_600_000;
const MEBI = 1 << 20;

export const SETTINGS: SettingsOf<FileSettings> = {
  interfaces: { default: ['eth0'], rule: interfaceNames() },
  filter: { default: 'all', rule: oneOf(TRAFFIC_FILTERS) },
  interval_ms: { default: 5000, rule: wholeNumber(100, HOUR_MS, 'milliseconds') },
  exclude_dns: { default: false, rule: truthValue() },
  collect_agg: { default: 'default', rule: labelValue() },
  attach_mode: { default: 'auto', rule: oneOf(ATTACH_MODES) },
  print: { default: 'auto', rule: oneOf(PRINT_MODES) },
  flows: {
    max_series: { default: 10_000, rule: wholeNumber(1, 1_000_000) },
    max_new_series_per_minute: { default: 600, rule: wholeNumber(0, 1_000_000) },
    idle_timeout_ms: { default: 300_000, rule: wholeNumber(200, 24 * HOUR_MS, 'milliseconds') },
    src_port: { default: true, rule: truthValue() },
    dst_port: { default: true, rule: truthValue() },
    vlan: { default: false, rule: truthValue() },
    ipv4_prefix_length: { default: 32, rule: wholeNumber(0, 32) },
    ipv6_prefix_length: { default: 128, rule: wholeNumber(0, 128) },
  },
  kernel: {
    max_flows: { default: 131_072, rule: wholeNumber(1, 16_777_216) },
    slots_per_cpu: { default: 4096, rule: powerOfTwo(64, 65_536) },
    max_slot_bytes: { default: 33_554_432, rule: wholeNumber(65_536, 1_073_741_824, 'bytes') },
  },
  roce: {
    enabled: { default: true, rule: truthValue() },
    per_queue_pair: { default: false, rule: truthValue() },
    decap_mirror: { default: false, rule: truthValue() },
    max_pairs: { default: 1000, rule: wholeNumber(1, 100_000) },
    max_streams: { default: 16_384, rule: wholeNumber(1, 1_048_576) },
  },
  rdma: {
    enabled: { default: true, rule: truthValue() },
    sysfs_path: { default: '/sys', rule: absoluteFolder() },
  },
  web: {
    listen_address: { default: ':10060', rule: listenAddress() },
    telemetry_path: { default: '/metrics', rule: telemetryPath() },
    max_requests: { default: 40, rule: wholeNumber(1, 10_000) },
  },
  log: {
    level: { default: 'info', rule: oneOf(LOG_LEVELS) },
    format: { default: 'logfmt', rule: oneOf(LOG_FORMATS) },
  },
  push: {
    enabled: { default: false, rule: truthValue() },
    url: { default: 'http://localhost:8428/api/v1/import/prometheus', rule: httpUrl() },
    format: { default: 'auto', rule: oneOf(PUSH_FORMATS) },
    compression: { default: 'auto', rule: oneOf(PUSH_COMPRESSIONS) },
    headers: { default: {}, isMapping: true, rule: httpHeaders() },
    basic_auth: {
      username: { default: '', rule: userName() },
      password_file: { default: '', rule: secretFile() },
    },
    bearer_token_file: { default: '', rule: secretFile() },
    tls: {
      ca_file: { default: '', rule: secretFile() },
      cert_file: { default: '', rule: secretFile() },
      key_file: { default: '', rule: secretFile() },
      server_name: { default: '', rule: hostName() },
      insecure_skip_verify: { default: false, rule: truthValue() },
    },
    timeout_ms: { default: 30_000, rule: wholeNumber(100, 600_000, 'milliseconds') },
    queue_max_bytes: { default: 64 * MEBI, rule: wholeNumber(MEBI, 4096 * MEBI, 'bytes') },
    batch_max_samples: { default: 10_000, rule: wholeNumber(1, 100_000) },
    max_age_ms: { default: 24 * HOUR_MS, rule: wholeNumber(1000, 366 * 24 * HOUR_MS, 'milliseconds') },
    retry: {
      min_backoff_ms: { default: 500, rule: wholeNumber(10, 60_000, 'milliseconds') },
      max_backoff_ms: { default: 30_000, rule: wholeNumber(10, HOUR_MS, 'milliseconds') },
      on_429: { default: true, rule: truthValue() },
    },
    spool_path: { default: '', rule: absolutePath() },
    spool_max_bytes: { default: 1024 * MEBI, rule: wholeNumber(MEBI, 1_048_576 * MEBI, 'bytes') },
    extra_labels: { default: {}, isMapping: true, rule: metricLabels() },
    job: { default: 'xtrace-catch', rule: labelValue() },
    instance: { default: '', rule: labelValueOrNone() },
  },
};

export function isSetting(node: SettingNode): node is Setting {
  return typeof node['rule'] === 'function';
}

export function isMappingSetting(setting: Setting): setting is MappingSetting {
  return 'isMapping' in setting;
}

/** What one source gives: nested as in the file, only the keys that were given. */
export interface Layer {
  [key: string]: unknown;
}

/** Puts a value at a dotted path of declared keys. */
export function setInLayer(layer: Layer, path: string, value: unknown): void {
  const keys = path.split('.');
  const last = keys.pop() ?? path;
  let section = layer;
  for (const key of keys) {
    const next = (section[key] ?? {}) as Layer; // only this function makes sections
    section[key] = next;
    section = next;
  }
  section[last] = value;
}

/** Called with the dotted path of a setting and what is wrong with its value. */
export type SettingProblemSink = (path: string, message: string) => void;

/**
 * Lays the layers over the defaults, later ones on top, and checks every value. All problems go to
 * the sink; the result is of use only when there were none.
 */
export function mergeLayers(layers: readonly Layer[], report: SettingProblemSink): FileSettings {
  // A named format without a coercion: convict's own types would turn "banana" into true. The
  // registry is convict's; adding the same entry again changes nothing.
  convict.addFormat({ name: 'checked', validate: (value: unknown, schema) => schema['check'](value) });
  let reported = false;
  const settings = convict<FileSettings>(
    buildSchema(SETTINGS, '', (path, message) => {
      reported = true;
      report(path, message);
    }) as convict.Schema<FileSettings>, // buildSchema keeps the shape of SETTINGS
    { env: {}, args: [] },
  );
  for (const layer of layers) settings.load(layer);
  try {
    settings.validate({ allowed: 'strict' });
  } catch (error) {
    if (!reported) report('configuration', error instanceof Error ? error.message : String(error));
  }
  return settings.getProperties();
}

function buildSchema(section: object, prefix: string, report: SettingProblemSink): Record<string, unknown> {
  const schema: Record<string, unknown> = {};
  for (const [key, node] of Object.entries(section) as [string, SettingNode][]) {
    const path = prefix + key;
    schema[key] = isSetting(node)
      ? { default: defaultOf(node), format: 'checked', check: checkOf(path, node.rule, report) }
      : buildSchema(node, `${path}.`, report);
  }
  return schema;
}

function defaultOf(setting: Setting): unknown {
  return isMappingSetting(setting) ? Object.entries(setting.default) : setting.default;
}

function checkOf(path: string, rule: Rule, report: SettingProblemSink): (value: unknown) => void {
  return (value) => {
    const problem = rule(value);
    if (problem === undefined) return;
    report(path, problem);
    throw new Error(problem);
  };
}
