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
  TRAFFIC_FILTERS,
  type TrafficFilter,
} from './config.js';
import {
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
    idle_timeout_ms: number;
    src_port: boolean;
    dst_port: boolean;
    vlan: boolean;
    ipv4_prefix_length: number;
    ipv6_prefix_length: number;
  };
  kernel: { max_flows: number; slots_per_cpu: number; max_slot_bytes: number };
  web: { listen_address: string; telemetry_path: string; max_requests: number };
  log: { level: LogLevel; format: LogFormat };
  push: { enabled: boolean; url: string };
}

export interface Setting<T = unknown> {
  readonly default: T;
  readonly rule: Rule;
}
/** A setting, or a section of settings by key. */
export type SettingNode = Setting | { readonly [key: string]: SettingNode };

type SettingsOf<T> = {
  readonly [K in keyof T]: T[K] extends string | number | boolean | readonly string[]
    ? Setting<T[K]>
    : SettingsOf<T[K]>;
};

const HOUR_MS = 3_600_000;

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
  },
};

export function isSetting(node: SettingNode): node is Setting {
  return typeof node['rule'] === 'function';
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
      ? { default: node.default, format: 'checked', check: checkOf(path, node.rule, report) }
      : buildSchema(node, `${path}.`, report);
  }
  return schema;
}

function checkOf(path: string, rule: Rule, report: SettingProblemSink): (value: unknown) => void {
  return (value) => {
    const problem = rule(value);
    if (problem === undefined) return;
    report(path, problem);
    throw new Error(problem);
  };
}
