// SPDX-License-Identifier: Apache-2.0
// Every flag of the command line, as data: --help, the manual page, the completions and the parser read the
// same list. Defaults and words that are allowed come from the settings.

import type { Command } from './commands.js';
import { SETTINGS } from './settings.js';
import { isSetting, type Setting, type SettingNode } from './settings-tree.js';
import { parseListText, parseNumberText } from './value-text.js';

export interface Flag {
  /** Without the dashes. */
  readonly name: string;
  readonly short?: string;
  /** What stands for its value in --help; a flag without it is a switch. */
  readonly argument?: string;
  /** Dotted path of the setting it gives. */
  readonly setting?: string;
  /** The commands that it belongs to; without them, to all. */
  readonly commands?: readonly Command[];
  /** What a shell may complete its value with; words of the setting it knows by itself. */
  readonly takes?: 'file' | 'folder' | 'interfaces';
  /** Text of the value -> value; only for flags with an argument. */
  parse?(text: string): unknown;
  /** What a switch gives: [as --name or --name=true, as --name=false]. */
  readonly values?: readonly [unknown, unknown];
  /** What a switch takes besides true and false. */
  readonly word?: string;
  /** Given again it adds up; any other wins over its earlier self. */
  readonly repeats?: true;
  /** What it does; one line of at most 44 characters. */
  readonly doc: string;
  /** The rest of that sentence, where there is room. */
  readonly more?: string;
  /** What it is without the flag, where the setting does not say it. */
  readonly usual?: string;
}

const asText = (text: string): string => text;

export const FLAGS: readonly Flag[] = [
  {
    name: 'interface',
    short: 'i',
    argument: 'NAMES',
    setting: 'interfaces',
    takes: 'interfaces',
    repeats: true,
    parse: parseListText,
    doc: 'names, patterns (eth*) or auto, by commas',
    more: '; !pattern leaves out, auto is every physical one that is up; the flag again adds more',
    usual: 'eth0, or the default route where there is none',
  },
  {
    name: 'filter',
    short: 'f',
    argument: 'TYPE',
    setting: 'filter',
    parse: asText,
    doc: orWords(SETTINGS.filter.words),
    more: '; the rest is counted, but gets no flows',
  },
  {
    name: 'interval',
    short: 't',
    argument: 'MS',
    setting: 'interval_ms',
    parse: parseNumberText,
    doc: 'collection and push interval, milliseconds',
    more: ', 100 to 3600000',
  },
  {
    name: 'exclude-dns',
    setting: 'exclude_dns',
    values: [true, false],
    doc: 'leave out traffic of DNS resolvers',
    more: ' that are well known (8.8.8.8, 1.1.1.1, ...)',
  },
  {
    name: 'attach-mode',
    argument: 'MODE',
    setting: 'attach_mode',
    parse: asText,
    doc: `${orWords(SETTINGS.attach_mode.words)} XDP`,
    more: ': auto is native, and where the driver refuses it generic',
  },
  {
    name: 'flows.max-series',
    argument: 'N',
    setting: 'flows.max_series',
    parse: parseNumberText,
    doc: 'most flows with a series of their own',
  },
  {
    name: 'kernel.pin-path',
    argument: 'PATH',
    setting: 'kernel.pin_path',
    takes: 'folder',
    parse: asText,
    doc: 'links and maps outlive the process here',
    more: ', a folder of a bpffs; unpin removes them; by default nothing does',
  },
  {
    name: 'print',
    setting: 'print',
    values: ['always', 'never'],
    doc: 'print a line per flow and interval',
    more: ' to stdout, also where that is no terminal',
  },
  { name: 'no-print', setting: 'print', values: ['never', 'always'], doc: 'never print flow lines' },
  {
    name: 'web.listen-address',
    argument: 'ADDRESS',
    setting: 'web.listen_address',
    repeats: true,
    parse: asText,
    doc: '[HOST]:PORT or unix:/PATH',
    more: '; again for several',
  },
  {
    name: 'web.systemd-socket',
    setting: 'web.systemd_socket',
    values: [true, false],
    doc: 'serve on the sockets that systemd passes',
    more: ', not on --web.listen-address',
  },
  {
    name: 'web.config.file',
    argument: 'FILE',
    setting: 'web.config_file',
    takes: 'file',
    parse: asText,
    doc: 'TLS, users, headers and a rate limit',
    more: ", in the format of Prometheus' exporter-toolkit",
  },
  { name: 'web.enable-lifecycle', doc: 'let POST /-/reload read the file again' },
  {
    name: 'web.telemetry-path',
    argument: 'PATH',
    setting: 'web.telemetry_path',
    parse: asText,
    doc: 'path of the metrics',
  },
  {
    name: 'config.file',
    argument: 'FILE',
    takes: 'file',
    parse: asText,
    doc: 'read settings from this YAML file',
  },
  { name: 'config.enable-auto-reload', doc: 'reload when the file has changed' },
  {
    name: 'config.auto-reload-interval',
    argument: 'TIME',
    parse: asText,
    doc: 'how often to look whether it has',
    more: ': 100ms to 24h, or seconds',
    usual: '30s',
  },
  {
    name: 'config.check',
    doc: 'check all of the configuration, then exit',
    more: ': command line, environment and file',
  },
  {
    name: 'log.level',
    argument: 'LEVEL',
    setting: 'log.level',
    parse: asText,
    doc: orWords(SETTINGS.log.level.words),
  },
  {
    name: 'log.format',
    argument: 'FORMAT',
    setting: 'log.format',
    parse: asText,
    doc: `${orWords(SETTINGS.log.format.words)}; logs go to stderr`,
  },
  {
    name: 'url',
    commands: ['top'],
    argument: 'URL',
    parse: asText,
    doc: 'another one: http://HOST:PORT or unix:/PATH',
  },
  { name: 'once', commands: ['top'], doc: 'print one snapshot as text, then exit' },
  { name: 'json', commands: ['doctor', 'estimate', 'top'], doc: 'one JSON object instead of text' },
  {
    name: 'attach',
    commands: ['top'],
    doc: 'start an exporter just for this; needs root',
  },
  {
    name: 'user',
    commands: ['top'],
    argument: 'NAME',
    parse: asText,
    doc: 'log in as this user',
  },
  {
    name: 'password-file',
    commands: ['top'],
    argument: 'FILE',
    takes: 'file',
    parse: asText,
    doc: 'with the password in this file',
  },
  {
    name: 'ca-file',
    commands: ['top'],
    argument: 'FILE',
    takes: 'file',
    parse: asText,
    doc: 'trust the certificates in this PEM file',
  },
  {
    name: 'cert-file',
    commands: ['top'],
    argument: 'FILE',
    takes: 'file',
    parse: asText,
    doc: 'client certificate and key, one PEM file',
  },
  { name: 'insecure', commands: ['top'], doc: 'trust any certificate' },
  {
    name: 'probe',
    commands: ['doctor'],
    doc: 'attach to the interfaces for a moment',
    more: ', which may reset their links for as long',
  },
  {
    name: 'wait',
    commands: ['doctor'],
    argument: 'SECONDS',
    parse: parseNumberText,
    doc: 'between two readings of RDMA counters',
    more: ', 0 to 60',
    usual: '1',
  },
  {
    name: 'for',
    commands: ['estimate'],
    argument: 'TIME',
    parse: asText,
    doc: 'how long to watch: 500ms to 24h',
    usual: '60s',
  },
  { name: 'list', short: 'l', doc: 'list all network interfaces, then exit' },
  { name: 'help', short: 'h', word: 'all', doc: 'show this; all: every flag and variable' },
  { name: 'version', doc: 'show the version' },
];

/** The setting that a flag gives; undefined where it gives none. */
export function settingOf({ setting }: Flag): Setting | undefined {
  const keys = setting?.split('.') ?? [];
  const node = keys.reduce<SettingNode | undefined>(
    (section, key) => (section === undefined || isSetting(section) ? undefined : section[key]),
    SETTINGS,
  );
  return node !== undefined && isSetting(node) ? node : undefined;
}

/** What a flag with a value is without it, in words; undefined where that is nothing. */
export function usualValue(flag: Flag): string | undefined {
  const value = flag.argument === undefined ? '' : String(settingOf(flag)?.default ?? '');
  return flag.usual ?? (value === '' ? undefined : value);
}

/** `a, b or c`. */
function orWords(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
