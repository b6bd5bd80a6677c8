// SPDX-License-Identifier: Apache-2.0
// The books of a scrape, read in a tenth of the time that the strict parser takes: for scrapes of some
// 20 MB, one a second. It looks at the lines that the books need, and takes on trust that the rest is well
// formed; a test compares it with the strict parser. For tests only.

export interface Amount {
  packets: number;
  bytes: number;
}

export interface BookLines {
  /** A sentence for each equation that does not hold. */
  readonly faults: readonly string[];
  /** Interface totals by traffic type, over all interfaces. */
  readonly totals: Readonly<Record<string, Amount>>;
  /** Flow series in which one of the wanted texts stands. */
  readonly wantedFlows: number;
  /** Samples in all, and of xtrace_network_*. */
  readonly samples: number;
  readonly flowSamples: number;
  /** The value of a metric without labels, or with exactly these. Throws where it is not there. */
  value(name: string, labels?: string): number;
}

const UNITS = ['packets', 'bytes'] as const;
const ROCE_TYPES = { v1: 'RoCE_v1_IBoE', v2: 'RoCE_v2' } as const;

/** What one side of an equation adds up to, by what it is about. */
type Sums = Map<string, number>;

/** @param wanted texts of label lists, such as `src_ip="10.0.0.1"`, that mark the flows to be counted */
export function readBookLines(text: string, wanted: readonly string[] = []): BookLines {
  const faults: string[] = [];
  const totals: Record<string, Amount> = {};
  for (const unit of UNITS) {
    const received = addUp(text, `xtrace_interface_${unit}_total`, flowAccount);
    if (received.size === 0) faults.push(`no xtrace_interface_${unit}_total at all`);
    const shown = [
      addUp(text, `xtrace_network_${unit}_total`, flowAccount),
      addUp(text, `xtrace_other_${unit}_total`, flowAccount),
      addUp(text, `xtrace_pending_${unit}`, flowAccount),
    ];
    compare(`${unit} of flows`, received, shown, faults);
    const roce = new Map([...received].filter(([of]) => /RoCE_v[12](_IBoE)?$/.test(of)));
    const told = [
      addUp(text, `xtrace_roce_${unit}_total`, roceAccount),
      addUp(text, `xtrace_roce_other_${unit}_total`, roceAccount),
      addUp(text, `xtrace_roce_pending_${unit}`, roceAccount),
    ];
    compare(`${unit} of RoCE`, roce, told, faults);
    for (const [of, value] of received) {
      const type = of.split(' ')[1] ?? '';
      totals[type] ??= { packets: 0, bytes: 0 };
      totals[type][unit] += value;
    }
  }
  return {
    faults,
    totals,
    wantedFlows: countLines(text, 'xtrace_network_bytes_total{', (line) =>
      wanted.some((one) => line.includes(one)),
    ),
    samples: countSamples(text),
    flowSamples: ['bytes_total', 'packets_total', 'flow_bytes', 'flow_packets']
      .map((name) => countLines(text, `xtrace_network_${name}{`, () => true))
      .reduce((sum, count) => sum + count, 0),
    value(name, labels = '') {
      const start = `\n${name}${labels} `;
      const at = text.indexOf(start);
      if (at < 0) throw new RangeError(`there is no ${name}${labels}`);
      return Number(text.slice(at + start.length, text.indexOf('\n', at + 1)));
    },
  };
}

/** Calls back for each line that begins so; they stand together, as those of a family do. */
function forEachLine(text: string, start: string, visit: (line: string) => void): void {
  let at = text.indexOf(`\n${start}`) + 1;
  if (at === 0) return;
  while (text.startsWith(start, at)) {
    const end = text.indexOf('\n', at);
    visit(text.slice(at, end));
    at = end + 1;
  }
}

function countLines(text: string, start: string, isCounted: (line: string) => boolean): number {
  let count = 0;
  forEachLine(text, start, (line) => {
    if (isCounted(line)) count++;
  });
  return count;
}

function countSamples(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at = text.indexOf('\n', at) + 1) {
    if (text[at] !== '#') count++;
  }
  return count;
}

function addUp(text: string, name: string, accountOf: (line: string) => string | undefined): Sums {
  const sums: Sums = new Map();
  forEachLine(text, `${name}{`, (line) => {
    const value = Number(line.slice(line.lastIndexOf(' ') + 1));
    const account = accountOf(line);
    if (account === undefined) return;
    // Not a count: NaN balances with nothing.
    const counted = Number.isSafeInteger(value) && value >= 0 ? value : Number.NaN;
    sums.set(account, (sums.get(account) ?? 0) + counted);
  });
  return sums;
}

function flowAccount(line: string): string {
  return `${labelOf(line, 'interface')} ${labelOf(line, 'traffic_type')}`;
}

/** Undefined for what is no valid RoCE: the interface has it under another type. */
function roceAccount(line: string): string | undefined {
  const version = labelOf(line, 'version');
  if (version !== 'v1' && version !== 'v2') return undefined;
  return `${labelOf(line, 'interface')} ${ROCE_TYPES[version]}`;
}

/** Of a label whose values need no escapes. */
function labelOf(line: string, label: string): string {
  const start = `${label}="`;
  const at = line.indexOf(start);
  return at < 0 ? '' : line.slice(at + start.length, line.indexOf('"', at + start.length));
}

function compare(what: string, received: Sums, shown: readonly Sums[], faults: string[]): void {
  for (const of of new Set([received, ...shown].flatMap((sums) => [...sums.keys()]))) {
    const parts = shown.map((sums) => sums.get(of) ?? 0);
    const sum = parts.reduce((all, part) => all + part, 0);
    const total = received.get(of) ?? 0;
    if (sum !== total) faults.push(`${what} on ${of}: ${total} received, ${parts.join(' + ')} shown`);
  }
}
