// SPDX-License-Identifier: Apache-2.0
// The manual page, of the lists of flags, commands, variables and settings.

import { COMMAND_NAMES, COMMANDS, EXPORTER, MISTAKEN } from '../../src/config/commands.js';
import { VARIABLES } from '../../src/config/environment.js';
import { FLAGS, type Flag } from '../../src/config/flags.js';
import { flagWords, PRECEDENCE } from '../../src/config/help.js';
import { SETTINGS } from '../../src/config/settings.js';
import { isSetting, type Setting, type SettingNode } from '../../src/config/settings-tree.js';
import { macro, roffBlock, roffParagraph, roffText } from './roff.js';
import type { SettingNote } from './setting-notes.js';

export interface ManPageOptions {
  readonly version: string;
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly notes: readonly SettingNote[];
}

const NAME = 'xtrace-catch';

const DESCRIPTION = [
  `${NAME} is a Prometheus exporter. It attaches an XDP program to the interfaces of a host, which counts every packet by flow in the kernel, and shows flows, interfaces and what RoCE headers tell as metrics, at http://HOST:10060/metrics unless told otherwise. No packet is sampled, none is counted twice, and what has no series of its own is in a sum that says why.`,
  'If another XDP program is on an interface, it is named and left alone. When the process ends, however it ends, nothing is left in the kernel, unless it is pinned there (kernel.pin_path).',
  'It needs the capabilities CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, or root; Linux 5.15 or later with BTF; libbpf.so.1; and Node 20 or later.',
];

const FILES = [
  [
    '/etc/xtrace-catch/xtrace-catch.yaml',
    'The configuration of the service, with every key and its default.',
  ],
  ['/etc/default/xtrace-catch', 'The flags (ARGS) and the environment of the service.'],
  ['/run/xtrace-catch', 'For state_path: it outlives a restart of the service, though not a boot.'],
  ['/run/xtrace-catch-bpf', 'For kernel.pin_path, as /run/xtrace-catch-bpf/pins: keep.conf mounts it.'],
  ['/var/lib/xtrace-catch', 'For push.spool_path.'],
  [
    '/usr/share/doc/xtrace-catch',
    'README.md, what each version changes, and keep.conf, a drop-in for the service that keeps counts over restarts.',
  ],
] as const;

const SIGNALS = [
  [
    'SIGTERM, SIGINT',
    'A last drain, what waits to be pushed, and an end with exit status 0 within 5 seconds. They end a watch of estimate early; a second one ends it at once.',
  ],
  [
    'SIGHUP',
    'The configuration is read again, and comes into force where all of it is right. It ends nothing.',
  ],
  ['SIGUSR1, SIGUSR2, SIGPIPE', 'Ignored.'],
] as const;

export function renderManPage({ version, date, notes }: ManPageOptions): string {
  const entries = COMMAND_NAMES.map((command) => [command, COMMANDS[command]] as const);
  const lines = [
    '.\\" SPDX-License-Identifier: Apache-2.0',
    '.\\" Made by deploy/manual; do not edit.',
    `.TH ${roffText(NAME.toUpperCase())} 1 ${date} "${roffText(NAME)} ${version}" "User Commands"`,
    // A key that is broken at a hyphen is no key any more.
    '.nh',
    '.ad l',
    ...section('NAME', [`${roffText(NAME)} \\- ${roffText(EXPORTER.doc)}`]),
    ...section('SYNOPSIS', [
      macro('B', NAME),
      '.RI [ flags ]',
      ...COMMAND_NAMES.flatMap((command) => ['.br', macro('B', `${NAME} ${command}`), '.RI [ flags ]']),
    ]),
    ...section('DESCRIPTION', paragraphs(DESCRIPTION)),
    ...section('COMMANDS', [
      ...roffParagraph(
        `${EXPORTER.more} A command must be the first word; it takes the flags of the exporter too.`,
      ),
      ...entries.flatMap(([command, { doc, more }]) =>
        entry(macro('B', command), `${sentence(doc)} ${more}`),
      ),
    ]),
    ...section('OPTIONS', [
      ...roffParagraph(
        'A flag given again wins over its earlier self, unless it adds up. A switch takes =false too.',
      ),
      ...FLAGS.flatMap((flag) => entry(flagTag(flag), flagSentences(flag))),
    ]),
    ...section('CONFIGURATION', [
      ...roffParagraph(
        'Settings of the YAML file of --config.file. A dot stands between a section and a key in it.',
      ),
      ...notes.flatMap(settingEntry),
    ]),
    ...section('ENVIRONMENT', [
      ...roffParagraph(`${PRECEDENCE} An empty variable counts as not set.`),
      ...VARIABLES.flatMap(({ name, doc, setting }) =>
        entry(macro('B', name), `${sentence(doc)} Setting ${setting}.`),
      ),
    ]),
    ...section(
      'FILES',
      FILES.flatMap(([path, text]) => entry(macro('I', path), text)),
    ),
    ...section(
      'SIGNALS',
      SIGNALS.flatMap(([names, text]) => entry(macro('B', names), text)),
    ),
    ...section('EXIT STATUS', [
      ...entry(
        macro('B', '0'),
        [sentence(EXPORTER.done), ...entries.map(([name, { done }]) => sentence(`${name}: ${done}`))].join(
          ' ',
        ),
      ),
      ...entry(
        macro('B', '1'),
        [
          sentence(EXPORTER.failed),
          ...entries.map(([name, { failed }]) => sentence(`${name}: ${failed}`)),
        ].join(' '),
      ),
      ...entry(macro('B', '2'), sentence(MISTAKEN)),
    ]),
    ...section(
      'EXAMPLES',
      roffBlock([EXPORTER, ...entries.map(([, one]) => one)].flatMap(({ examples }) => examples)),
    ),
    ...section('SEE ALSO', [
      '.BR prometheus (1),',
      '.BR systemctl (1),',
      '.BR ip\\-link (8),',
      '.BR bpf (2),',
      '.BR capabilities (7)',
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

function section(title: string, lines: readonly string[]): string[] {
  return [macro('SH', title), ...lines];
}

function paragraphs(texts: readonly string[]): string[] {
  return texts.flatMap((text, index) => [...(index === 0 ? [] : ['.PP']), ...roffParagraph(text)]);
}

function entry(tag: string, text: string): string[] {
  return ['.TP', tag, ...roffParagraph(text)];
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

function flagTag({ name, short, argument, word }: Flag): string {
  const value =
    word === undefined ? (argument === undefined ? '' : `=\\fI${argument}\\fR`) : `\\fR[=\\fB${word}\\fR]`;
  const shortText = short === undefined ? '' : `\\fB\\-${short}\\fR, `;
  return `${shortText}\\fB\\-\\-${roffText(name)}\\fR${value}`;
}

function flagSentences(flag: Flag): string {
  const { commands, setting } = flag;
  return [
    `${flagWords(flag)}.`,
    ...(commands === undefined ? [] : [`A flag of ${commands.join(' and ')} alone.`]),
    ...(setting === undefined ? [] : [`Setting ${setting}.`]),
  ].join(' ');
}

/** Several keys of one comment stand above it. */
function settingEntry({ paths, text }: SettingNote): string[] {
  return [
    ...paths.flatMap((path, index) => [index === 0 ? '.TP' : '.TQ', settingTag(path)]),
    ...roffParagraph(text),
  ];
}

function settingTag(path: string): string {
  const setting = settingAt(path);
  const value = defaultText(setting.default);
  return `\\fB${roffText(path)}\\fR (${roffText(allowedValues(setting))}; default ${roffText(value)})`;
}

/** As a YAML file has it. */
function defaultText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.join(', ')}]`;
  return typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
}

/** What a rule says that it allows when it refuses a value: the same words, with unit and bounds. */
export function allowedValues({ rule }: Setting): string {
  const judged = rule(null);
  const [, allowed] =
    ('problem' in judged && /^must be (.*), but is without a value$/.exec(judged.problem)) || [];
  if (allowed === undefined) throw new Error(`a rule does not say what it allows: ${JSON.stringify(judged)}`);
  return allowed;
}

export function settingAt(path: string): Setting {
  const node = path
    .split('.')
    .reduce<SettingNode>((section, key) => (isSetting(section) ? section : (section[key] ?? {})), SETTINGS);
  if (!isSetting(node)) throw new Error(`${path} is no setting`);
  return node;
}
