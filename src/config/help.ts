// SPDX-License-Identifier: Apache-2.0
// The text of --help, made of the same lists that the parsers use. At most 100 columns.

import { VARIABLES } from './environment.js';
import { COMMANDS, type Command, FLAGS, type Flag } from './flags.js';

const LEFT_COLUMNS = 36;

export function renderHelp(): string {
  return `xtrace-catch: a Prometheus exporter that counts every packet by flow with XDP, and knows RoCE
and InfiniBand.

Usage: xtrace-catch [flags]
       xtrace-catch doctor [flags]    what can be seen here, and whether it will work
       xtrace-catch estimate [flags]  how many series there would be, by choice of labels
       xtrace-catch unpin [flags]     detach and remove what outlived an exporter (kernel.pin_path)

Flags:
${FLAGS.filter(({ commands }) => commands === undefined)
  .map(renderFlag)
  .join('\n')}

${COMMANDS.filter(hasOwnFlags).map(renderOwnFlags).join('\n\n')}

Environment (an empty variable counts as not set):
${VARIABLES.map((variable) => renderRow(`  ${variable.name}`, [variable.doc])).join('\n')}

For each setting the command line wins, then the environment, the file, the default.
Everything else is set in the file; config/xtrace-catch.yaml names each key with its default.

Exit codes:
  0  stopped by SIGTERM or SIGINT; the configuration is right, or the host will work;
     estimate: also after a watch that was cut short; unpin: nothing is pinned any more
  1  a fault: no privilege, the port is in use, too few open files;
     doctor: a configured interface will not work; estimate: none can be watched;
     unpin: an exporter is running with that path
  2  a wrong flag, variable or configuration file

Examples:
  xtrace-catch -i eth0
  xtrace-catch -i eth0,ib0 -f roce -t 1000
  xtrace-catch --config.file=/etc/xtrace-catch/xtrace-catch.yaml --no-print
  xtrace-catch --config.file=new.yaml --config.check
  xtrace-catch doctor -i eth0
  xtrace-catch estimate -i eth0 --for 5m
  curl http://localhost:10060/metrics

It needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, or root.
`;
}

function hasOwnFlags(command: Command): boolean {
  return FLAGS.some(({ commands }) => commands?.includes(command));
}

function renderOwnFlags(command: Command): string {
  const own = FLAGS.filter(({ commands }) => commands?.includes(command));
  return `Flags of ${command}, beside those above:\n${own.map(renderFlag).join('\n')}`;
}

function renderFlag(flag: Flag): string {
  const short = flag.short === undefined ? '    ' : `-${flag.short}, `;
  const argument = flag.argument === undefined ? '' : `=${flag.argument}`;
  return renderRow(`  ${short}--${flag.name}${argument}`, flag.doc);
}

function renderRow(left: string, doc: readonly string[]): string {
  return doc.map((line, index) => (index === 0 ? left : '').padEnd(LEFT_COLUMNS) + line).join('\n');
}
