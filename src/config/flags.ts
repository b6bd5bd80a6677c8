// SPDX-License-Identifier: Apache-2.0
// Every flag of the command line, as data: --help and the parser read the same list.

import { parseListText, parseNumberText } from './value-text.js';

/** What may be the first word. */
export const COMMANDS = ['doctor', 'estimate', 'unpin'] as const;
export type Command = (typeof COMMANDS)[number];

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
  /** Text of the value -> value; only for flags with an argument. */
  parse?(text: string): unknown;
  /** What a switch gives: [as --name or --name=true, as --name=false]. */
  readonly values?: readonly [unknown, unknown];
  /** What it does; lines of at most 60 characters. */
  readonly doc: readonly string[];
}

const asText = (text: string): string => text;

export const FLAGS: readonly Flag[] = [
  {
    name: 'interface',
    short: 'i',
    argument: 'NAMES',
    setting: 'interfaces',
    parse: parseListText,
    doc: [
      'interface name or pattern (eth*), !pattern to leave out,',
      'auto: all physical ones; by commas, or the flag again',
      '(default eth0, or the default route where there is none)',
    ],
  },
  {
    name: 'filter',
    short: 'f',
    argument: 'TYPE',
    setting: 'filter',
    parse: asText,
    doc: ['roce, roce_v1, roce_v2, tcp, udp, ib or all (default all)'],
  },
  {
    name: 'interval',
    short: 't',
    argument: 'MS',
    setting: 'interval_ms',
    parse: parseNumberText,
    doc: ['collection and push interval in milliseconds,', '100 to 3600000 (default 5000)'],
  },
  {
    name: 'exclude-dns',
    setting: 'exclude_dns',
    values: [true, false],
    doc: ['leave out traffic of well-known DNS resolvers'],
  },
  {
    name: 'attach-mode',
    argument: 'MODE',
    setting: 'attach_mode',
    parse: asText,
    doc: ['auto, native or generic XDP (default auto: native,', 'and where the driver refuses it generic)'],
  },
  {
    name: 'flows.max-series',
    argument: 'N',
    setting: 'flows.max_series',
    parse: parseNumberText,
    doc: ['most flows with a series of their own (default 10000)'],
  },
  {
    name: 'kernel.pin-path',
    argument: 'PATH',
    setting: 'kernel.pin_path',
    parse: asText,
    doc: [
      'folder in a bpffs where links and maps outlive the',
      'process (unpin removes them); by default nothing does',
    ],
  },
  {
    name: 'print',
    setting: 'print',
    values: ['always', 'never'],
    doc: ['print a line per flow and interval to stdout', '(default: only when stdout is a terminal)'],
  },
  { name: 'no-print', setting: 'print', values: ['never', 'always'], doc: ['never print flow lines'] },
  {
    name: 'web.listen-address',
    argument: 'ADDRESS',
    setting: 'web.listen_address',
    parse: asText,
    doc: ['HOST:PORT, :PORT, [IPV6]:PORT or unix:/PATH; again for', 'several (default :10060)'],
  },
  {
    name: 'web.systemd-socket',
    setting: 'web.systemd_socket',
    values: [true, false],
    doc: ['serve on the sockets that systemd passes, instead'],
  },
  {
    name: 'web.config.file',
    argument: 'FILE',
    setting: 'web.config_file',
    parse: asText,
    doc: ['TLS, users, headers and a rate limit, in the format of', "Prometheus' exporter-toolkit"],
  },
  { name: 'web.enable-lifecycle', doc: ['let POST /-/reload read the configuration again'] },
  {
    name: 'web.telemetry-path',
    argument: 'PATH',
    setting: 'web.telemetry_path',
    parse: asText,
    doc: ['path of the metrics (default /metrics)'],
  },
  { name: 'config.file', argument: 'FILE', parse: asText, doc: ['read settings from this YAML file'] },
  {
    name: 'config.enable-auto-reload',
    doc: ['reload when the configuration file has changed'],
  },
  {
    name: 'config.auto-reload-interval',
    argument: 'TIME',
    parse: asText,
    doc: ['how often to look whether it has: 100ms to 24h, or', 'seconds (default 30s)'],
  },
  { name: 'config.check', doc: ['check command line, environment and file, then exit'] },
  {
    name: 'log.level',
    argument: 'LEVEL',
    setting: 'log.level',
    parse: asText,
    doc: ['debug, info, warn or error (default info)'],
  },
  {
    name: 'log.format',
    argument: 'FORMAT',
    setting: 'log.format',
    parse: asText,
    doc: ['logfmt or json (default logfmt); logs go to stderr'],
  },
  { name: 'json', commands: ['doctor', 'estimate'], doc: ['one JSON object instead of text'] },
  {
    name: 'probe',
    commands: ['doctor'],
    doc: ['attach to the interfaces for a moment, which may reset', 'their links for as long'],
  },
  {
    name: 'wait',
    commands: ['doctor'],
    argument: 'SECONDS',
    parse: parseNumberText,
    doc: ['time between two readings of RDMA counters, 0 to 60', '(default 1)'],
  },
  {
    name: 'for',
    commands: ['estimate'],
    argument: 'TIME',
    parse: asText,
    doc: ['how long to watch: 500ms to 24h (default 60s)'],
  },
  { name: 'list', short: 'l', doc: ['list all network interfaces, then exit'] },
  { name: 'help', short: 'h', doc: ['show this text'] },
  { name: 'version', doc: ['show the version'] },
];
