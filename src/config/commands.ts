// SPDX-License-Identifier: Apache-2.0
// The exporter and its commands, as data: --help, the manual page, the completions and the parser read it.

/** What may be the first word. */
export const COMMAND_NAMES = ['top', 'doctor', 'estimate', 'unpin'] as const;
export type Command = (typeof COMMAND_NAMES)[number];

export interface CommandEntry {
  /** One line of at most 58 characters, behind the name. */
  readonly doc: string;
  /** Sentences. */
  readonly more: string;
  /** Names of the flags of all that matter most to it, in this order. */
  readonly uses: readonly string[];
  /** What exit codes 0 and 1 mean; clauses. 2 is always a mistake of whoever called it. */
  readonly done: string;
  readonly failed: string;
  /** Whole command lines. */
  readonly examples: readonly string[];
}

/** Without a command. */
export const EXPORTER: CommandEntry = {
  doc: 'count every packet by flow with XDP, for Prometheus; knows RoCE',
  more: 'Without a command it attaches to the interfaces and serves their metrics over HTTP until it is told to stop.',
  uses: [
    'interface',
    'filter',
    'interval',
    'exclude-dns',
    'web.listen-address',
    'config.file',
    'config.check',
    'list',
    'help',
    'version',
  ],
  done: 'stopped by SIGTERM or SIGINT, or the configuration is right',
  failed: 'a fault: no privilege, the port is in use, too few open files',
  examples: [
    'xtrace-catch -i eth0',
    'xtrace-catch -i eth0,ib0 -f roce -t 1000',
    'xtrace-catch --config.file=/etc/xtrace-catch/xtrace-catch.yaml --no-print',
    'xtrace-catch --config.file=new.yaml --config.check',
  ],
};

export const COMMANDS: Readonly<Record<Command, CommandEntry>> = {
  top: {
    doc: 'show what a running exporter sees, like iftop and htop',
    more:
      "Asks the exporter at the configuration's address for its flows and RoCE pairs and shows them by their rates, with -i those of " +
      'one interface. h lists the keys.',
    uses: [],
    done: 'ended by q, Ctrl-C or a signal, or the snapshot is printed',
    failed: 'no exporter answers, or there is no terminal to draw on',
    examples: ['xtrace-catch top --url=http://node1:10060'],
  },
  doctor: {
    doc: 'what can be seen here, and whether it will work',
    more:
      'Looks at the kernel, the privileges, each interface and the RDMA devices, says for each interface what of its traffic ' +
      'XDP sees, and what to do where the exporter would not work. It changes nothing unless told to, by --probe.',
    uses: ['interface', 'config.file'],
    done: 'the host will work',
    failed: 'a configured interface will not work',
    examples: ['xtrace-catch doctor -i eth0'],
  },
  estimate: {
    doc: 'how many series there would be, by choice of labels',
    more:
      "Watches the host's own traffic for a while, says for each choice of labels how many series and bytes it would make and " +
      'what Prometheus needs for them, and recommends one, with the settings for the file. SIGINT ends the watch early.',
    uses: ['interface', 'config.file'],
    done: 'the watch is over, also where it was cut short',
    failed: 'no interface can be watched, as where an exporter holds them',
    examples: ['xtrace-catch estimate -i eth0 --for 5m'],
  },
  unpin: {
    doc: 'detach and remove what an exporter left pinned',
    more:
      'With kernel.pin_path, programs go on counting when the exporter has ended. This detaches them, removes what is pinned, and ' +
      'says from which interfaces it detached and how many packets nobody had read.',
    uses: ['kernel.pin-path', 'config.file'],
    done: 'nothing is pinned any more',
    failed: 'an exporter is running with that path',
    examples: ['xtrace-catch unpin --kernel.pin-path=/sys/fs/bpf/xtrace-catch'],
  },
};

/** What exit code 2 means. */
export const MISTAKEN = 'a wrong flag, variable or configuration file';
