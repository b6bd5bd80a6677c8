// SPDX-License-Identifier: Apache-2.0
// Command line, environment and file -> one frozen value, or every problem at once. Touches
// nothing but the file reader it is given.
import { ConfigError, type ConfigProblem } from '../errors.js';
import { type CommandLine, parseCommandLine } from './command-line.js';
import type { Config, DoctorConfig } from './config.js';
import { type FileLayer, locateInFile, type ReadFile, readConfigFile } from './config-file.js';
import { type Environment, readEnvironment } from './environment.js';
import { pushConflicts, toPushConfig } from './push-settings.js';
import { wholeNumber } from './rules.js';
import { type FileSettings, type Layer, mergeLayers } from './settings.js';

export interface ConfigSources {
  /** Without the interpreter and the script. */
  readonly argv: readonly string[];
  readonly env: Environment;
  /** readFileSync, or a fake. */
  readonly readFile: ReadFile;
}

export type Resolution =
  | {
      readonly action: 'run' | 'check';
      readonly config: Config;
      /** The file that was read. */
      readonly configFile: string | undefined;
    }
  | { readonly action: 'doctor'; readonly config: Config; readonly doctor: DoctorConfig }
  | { readonly action: 'help' | 'version' | 'list' };

/**
 * What to do, and with what. For each setting the command line wins, then the environment, the file,
 * the default. --help and --version are answered even beside mistakes; --list looks at the command
 * line only. Throws ConfigError with all problems of all sources: a wrong value is one even where
 * another source overrides it.
 */
export function resolveConfig(sources: ConfigSources): Resolution {
  const line = parseCommandLine(sources.argv);
  if (line.action === 'help' || line.action === 'version') return { action: line.action };
  if (line.action === 'list') {
    if (line.problems.length > 0) throw new ConfigError(line.problems);
    return { action: 'list' };
  }

  const environment = readEnvironment(sources.env);
  const file: FileLayer =
    line.configFile === undefined || line.configFile === ''
      ? { layer: {}, lines: new Map(), problems: [] }
      : readConfigFile(line.configFile, sources.readFile);

  const problems: ConfigProblem[] = [
    ...line.problems,
    ...doctorProblems(line),
    ...checkLayer(line.layer).map(({ path, message }) => ({ path: line.names.get(path) ?? path, message })),
    ...checkLayer(environment.layer).map(({ path, message }) => ({
      path: environment.names.get(path) ?? path,
      message,
    })),
    ...allFileProblems(file, line.configFile ?? ''),
  ];
  if (problems.length > 0) throw new ConfigError(problems);

  const layers = [file.layer, environment.layer, line.layer];
  const settings = mergeLayers(layers, (path, message) => problems.push({ path, message }));
  problems.push(...conflicts(settings));
  if (problems.length > 0) throw new ConfigError(problems);
  const isGiven = layers.some((layer) => 'interfaces' in layer);
  const config = freezeDeep(toConfig(settings, isGiven));
  return line.action === 'doctor'
    ? { action: line.action, config, doctor: toDoctorConfig(line) }
    : { action: line.action, config, configFile: line.configFile };
}

const DEFAULT_WAIT_SECONDS = 1;
const WAIT_RULE = wholeNumber(0, 60, 'seconds');

function doctorProblems({ doctor }: CommandLine): ConfigProblem[] {
  const message = WAIT_RULE(doctor.waitSeconds ?? DEFAULT_WAIT_SECONDS);
  return message === undefined ? [] : [{ path: '--wait', message }];
}

function toDoctorConfig({ doctor }: CommandLine): DoctorConfig {
  const waitSeconds = doctor.waitSeconds ?? DEFAULT_WAIT_SECONDS;
  return { json: doctor.json, probe: doctor.probe, waitMs: Number(waitSeconds) * 1000 };
}

/** What is wrong with the values of one source; paths are those of the settings. */
function checkLayer(layer: Layer): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  mergeLayers([layer], (path, message) => problems.push({ path, message }));
  return problems;
}

/** Faults of form and wrong values together, from the top of the file down. */
function allFileProblems(file: FileLayer, name: string): ConfigProblem[] {
  const values = checkLayer(file.layer).map((problem) =>
    locateInFile(problem, name, file.lines.get(problem.path) ?? 0),
  );
  return [...file.problems, ...values]
    .sort((a, b) => a.line - b.line)
    .map(({ path, message }) => ({ path, message }));
}

/** Values that are each allowed but not together. */
function conflicts({ exclude_dns, flows, push }: FileSettings): ConfigProblem[] {
  const problems = pushConflicts(push);
  if (exclude_dns && flows.ipv4_prefix_length !== 32) {
    problems.unshift({
      path: 'exclude_dns',
      message: `resolvers cannot be told from their neighbours with flows.ipv4_prefix_length ${flows.ipv4_prefix_length}: set that to 32, or leave exclude_dns out`,
    });
  }
  return problems;
}

function toConfig(settings: FileSettings, interfacesGiven: boolean): Config {
  const { flows, kernel, roce, rdma, web, log, push } = settings;
  return {
    interfaces: [...new Set(settings.interfaces)],
    interfacesGiven,
    filter: settings.filter,
    intervalMs: settings.interval_ms,
    excludeDns: settings.exclude_dns,
    collectAgg: settings.collect_agg,
    attachMode: settings.attach_mode,
    print: settings.print,
    flows: {
      maxSeries: flows.max_series,
      maxNewSeriesPerMinute: flows.max_new_series_per_minute,
      idleTimeoutMs: flows.idle_timeout_ms,
      srcPort: flows.src_port,
      dstPort: flows.dst_port,
      vlan: flows.vlan,
      ipv4PrefixLength: flows.ipv4_prefix_length,
      ipv6PrefixLength: flows.ipv6_prefix_length,
    },
    kernel: {
      maxFlows: kernel.max_flows,
      slotsPerCpu: kernel.slots_per_cpu,
      maxSlotBytes: kernel.max_slot_bytes,
    },
    roce: {
      enabled: roce.enabled,
      perQueuePair: roce.per_queue_pair,
      decapMirror: roce.decap_mirror,
      maxPairs: roce.max_pairs,
      maxStreams: roce.max_streams,
    },
    rdma: { enabled: rdma.enabled, sysfsPath: rdma.sysfs_path },
    web: {
      listenAddress: web.listen_address,
      telemetryPath: web.telemetry_path,
      maxRequests: web.max_requests,
    },
    log: { level: log.level, format: log.format },
    push: toPushConfig(push),
  };
}

function freezeDeep<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null) freezeDeep(part);
  }
  return Object.freeze(value);
}
