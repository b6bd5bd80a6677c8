// SPDX-License-Identifier: Apache-2.0
// Command line, environment and file -> one frozen value, or every problem at once. Touches
// nothing but the file reader it is given.

import { ConfigError, type ConfigProblem } from '../errors.js';
import { type CommandLine, type HelpTopic, parseCommandLine } from './command-line.js';
import type { Config, DoctorConfig, EstimateConfig, ReloadConfig, TopConfig } from './config.js';
import { type FileLayer, locateInFile, type ReadFile, readConfigFile } from './config-file.js';
import { durationText } from './duration.js';
import { type Environment, readEnvironment } from './environment.js';
import { flowDetail } from './flow-labels.js';
import { hiddenCondition } from './flow-rules.js';
import type { Layer } from './layer.js';
import { mergeLayers } from './merge-layers.js';
import { hasNetworks } from './network-rules.js';
import { pushConflicts } from './push-settings.js';
import { problemOf, wholeNumber } from './rules.js';
import { SETTINGS } from './settings.js';
import { topProblems } from './top-problems.js';

export interface ConfigSources {
  /** Without the interpreter and the script. */
  readonly argv: readonly string[];
  readonly env: Environment;
  /** readFileSync, or a fake. */
  readonly readFile: ReadFile;
}

export interface RunResolution {
  readonly action: 'run' | 'check' | 'unpin';
  readonly config: Config;
  /** The file that was read. */
  readonly configFile: string | undefined;
  readonly reload: ReloadConfig;
}

export type Resolution =
  | RunResolution
  | { readonly action: 'doctor'; readonly config: Config; readonly doctor: DoctorConfig }
  | { readonly action: 'estimate'; readonly config: Config; readonly estimate: EstimateConfig }
  | { readonly action: 'top'; readonly config: Config; readonly top: TopConfig }
  /** `interfaces`: those of the command line, where it names some. */
  | { readonly action: 'list'; readonly interfaces: readonly string[] | undefined }
  | { readonly action: 'help'; readonly topic: HelpTopic }
  | { readonly action: 'version' };

/**
 * What to do, and with what. For each setting the command line wins, then the environment, the file,
 * the default. --help and --version are answered even beside mistakes; --list looks at the command
 * line only. Throws ConfigError with all problems of all sources: a wrong value is one even where
 * another source overrides it.
 */
export function resolveConfig(sources: ConfigSources): Resolution {
  const line = parseCommandLine(sources.argv);
  if (line.action === 'help') return { action: line.action, topic: line.topic };
  if (line.action === 'version') return { action: line.action };
  if (line.action === 'list') return listResolution(line);

  const environment = readEnvironment(sources.env);
  const file: FileLayer =
    line.configFile === undefined || line.configFile === ''
      ? { layer: {}, lines: new Map(), problems: [] }
      : readConfigFile(line.configFile, sources.readFile);

  const problems: ConfigProblem[] = [
    ...line.problems,
    ...ownProblems(line),
    ...checkLayer(line.layer).map(({ path, message }) => ({ path: line.names.get(path) ?? path, message })),
    ...checkLayer(environment.layer).map(({ path, message }) => ({
      path: environment.names.get(path) ?? path,
      message,
    })),
    ...allFileProblems(file, line.configFile ?? ''),
  ];
  if (problems.length > 0) throw new ConfigError(problems);

  const layers = [file.layer, environment.layer, line.layer];
  const merged = mergeLayers(SETTINGS, layers);
  if ('problems' in merged) throw new ConfigError(merged.problems);
  const interfacesGiven = layers.some((layer) => 'interfaces' in layer);
  const config: Config = Object.freeze({ ...merged.config, interfacesGiven });
  const clashes = configConflicts(config);
  if (clashes.length > 0) throw new ConfigError(clashes);
  switch (line.action) {
    case 'doctor':
      return { action: line.action, config, doctor: toDoctorConfig(line) };
    case 'estimate':
      return { action: line.action, config, estimate: toEstimateConfig(line) };
    case 'top':
      return { action: line.action, config, top: toTopConfig(line) };
    default:
      return { action: line.action, config, configFile: line.configFile, reload: toReloadConfig(line) };
  }
}

function listResolution(line: CommandLine): Resolution {
  const { interfaces } = line.layer;
  const judged = interfaces === undefined ? { value: undefined } : SETTINGS.interfaces.rule(interfaces);
  const problems =
    'problem' in judged
      ? [...line.problems, { path: '--interface', message: judged.problem }]
      : line.problems;
  if ('problem' in judged || problems.length > 0) throw new ConfigError(problems);
  return { action: 'list', interfaces: judged.value };
}

const DEFAULT_WAIT_SECONDS = 1;
const WAIT_RULE = wholeNumber(0, 60, 'seconds');
const DEFAULT_WATCH_TIME = '60s';
const WATCH_RULE = durationText(500, 86_400_000, '500ms to 24h');

const DEFAULT_AUTO_RELOAD_TIME = '30s';
const AUTO_RELOAD_RULE = durationText(100, 86_400_000, '100ms to 24h');

/** A number alone is seconds. */
function autoReloadTime({ own }: CommandLine): string {
  const { autoReloadTime: text = DEFAULT_AUTO_RELOAD_TIME } = own;
  return /^\d+$/.test(text) ? `${text}s` : text;
}

function toReloadConfig(line: CommandLine): ReloadConfig {
  const { autoReload, lifecycle } = line.own;
  const judged = AUTO_RELOAD_RULE(autoReloadTime(line));
  return { lifecycle, autoReloadMs: autoReload && 'value' in judged ? judged.value : undefined };
}

/** What is wrong with the values of commands' own flags. */
function ownProblems(line: CommandLine): ConfigProblem[] {
  const { own } = line;
  if (line.action === 'top') return topProblems(line);
  const { waitSeconds = DEFAULT_WAIT_SECONDS, watchTime = DEFAULT_WATCH_TIME } = own;
  return [
    ['--wait', problemOf(WAIT_RULE(waitSeconds))] as const,
    ['--for', problemOf(WATCH_RULE(watchTime))] as const,
    ['--config.auto-reload-interval', problemOf(AUTO_RELOAD_RULE(autoReloadTime(line)))] as const,
  ].flatMap(([path, message]) => (message === undefined ? [] : [{ path, message }]));
}

function toDoctorConfig({ own }: CommandLine): DoctorConfig {
  const waitSeconds = own.waitSeconds ?? DEFAULT_WAIT_SECONDS;
  return { json: own.json, probe: own.probe, waitMs: Number(waitSeconds) * 1000 };
}

function toEstimateConfig({ own }: CommandLine): EstimateConfig {
  const judged = WATCH_RULE(own.watchTime ?? DEFAULT_WATCH_TIME);
  if ('problem' in judged) throw new ConfigError([{ path: '--for', message: judged.problem }]);
  return { json: own.json, watchMs: judged.value };
}

function toTopConfig({ own, layer }: CommandLine): TopConfig {
  const { texts, once, json, attach, insecure } = own;
  const { interfaces } = layer;
  const [interfaceName, ...others] = Array.isArray(interfaces) ? interfaces : [];
  const isOneName =
    typeof interfaceName === 'string' && others.length === 0 && !/[*?!]|^auto$/.test(interfaceName);
  return {
    ...{ once, json, attach, insecure },
    url: texts.get('url'),
    user: texts.get('user') ?? '',
    passwordFile: texts.get('password-file') ?? '',
    caFile: texts.get('ca-file') ?? '',
    certFile: texts.get('cert-file') ?? '',
    interfaceName: isOneName && !attach ? interfaceName : undefined,
    hasInterval: 'interval_ms' in layer,
  };
}

/** What is wrong with the values of one source; paths are those of the settings. */
function checkLayer(layer: Layer): readonly ConfigProblem[] {
  const merged = mergeLayers(SETTINGS, [layer]);
  return 'problems' in merged ? merged.problems : [];
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
export function configConflicts({ excludeDns, flows, networks, roce, push }: Config): ConfigProblem[] {
  const problems = pushConflicts(push);
  if (excludeDns && flows.ipv4PrefixLength !== 32) {
    problems.unshift({
      path: 'exclude_dns',
      message: `resolvers cannot be told from their neighbours with flows.ipv4_prefix_length ${flows.ipv4PrefixLength}: set that to 32, or leave exclude_dns out`,
    });
  }
  const shown = flowDetail(flows, roce.perQueuePair);
  if ((shown.srcNetwork || shown.dstNetwork) && !hasNetworks(networks)) {
    problems.unshift({
      path: 'flows.labels',
      message:
        'src_network and dst_network are names of networks, but `networks` names none: name some there',
    });
  }
  if (excludeDns && !((shown.srcIp || shown.srcNetwork) && (shown.dstIp || shown.dstNetwork))) {
    problems.unshift({
      path: 'exclude_dns',
      message:
        'resolvers are known by their addresses, which flows.labels leaves out: put src_ip and dst_ip there, or leave exclude_dns out',
    });
  }
  for (const path of ['include', 'exclude'] as const) {
    const hidden = flows[path].map((rule) => hiddenCondition(rule, shown)).find((why) => why !== undefined);
    if (hidden !== undefined) problems.unshift({ path: `flows.${path}`, message: hidden });
  }
  return problems;
}
