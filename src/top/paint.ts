// SPDX-License-Identifier: Apache-2.0
// How text looks on a terminal: with colours, with what a terminal without them has, or plain. Whoever paints
// has padded the text before: escape sequences take no columns.

/** What text is there for. */
export type Style =
  | 'heading'
  | 'strong'
  | 'ok'
  | 'warning'
  | 'problem'
  | 'selected'
  | 'bar'
  | 'faint'
  | 'key';

export type Paint = (style: Style, text: string) => string;

/** `colour`; `mono`: bold, reverse and underlined alone; `plain`: no escape sequence. */
export type PaintMode = 'colour' | 'mono' | 'plain';

/** ECMA-48, 8.3.117, select graphic rendition. */
const CODES: Readonly<Record<Exclude<PaintMode, 'plain'>, Readonly<Record<Style, string>>>> = {
  colour: {
    heading: '7',
    strong: '1',
    ok: '32',
    warning: '33',
    problem: '1;31',
    selected: '1;7',
    bar: '36',
    faint: '2',
    key: '1;36',
  },
  mono: {
    heading: '7',
    strong: '1',
    ok: '',
    warning: '1',
    problem: '1;7',
    selected: '1;7',
    bar: '',
    faint: '',
    key: '1',
  },
};

export function createPaint(mode: PaintMode): Paint {
  if (mode === 'plain') return (_style, text) => text;
  const codes = CODES[mode];
  return (style, text) => {
    const code = codes[style];
    return code === '' || text === '' ? text : `\x1b[${code}m${text}\x1b[0m`;
  };
}

/** What is drawn with: blocks where the locale has UTF-8, else ASCII. */
export interface Symbols {
  /** A column, filled by so many parts of its width; the last one is full. */
  readonly across: readonly string[];
  /** The same from the bottom up. */
  readonly up: readonly string[];
  readonly ellipsis: string;
  readonly sortedDown: string;
  readonly sortedUp: string;
}

export const UTF8_SYMBOLS: Symbols = {
  across: [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'],
  up: [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
  ellipsis: '…',
  sortedDown: '↓',
  sortedUp: '↑',
};

export const ASCII_SYMBOLS: Symbols = {
  across: [' ', '#'],
  up: [' ', '.', '-', '=', '#'],
  ellipsis: '~',
  sortedDown: 'v',
  sortedUp: '^',
};

/** A bar of exactly so many columns; share: 0 to 1. What is more than nothing shows. */
export function barText(share: number, columns: number, { across }: Symbols): string {
  const steps = across.length - 1;
  const filled = share > 0 ? Math.min(columns * steps, Math.max(1, Math.round(share * columns * steps))) : 0;
  const whole = Math.floor(filled / steps);
  const rest = filled % steps;
  const bar = (across[steps] ?? '').repeat(whole) + (rest > 0 ? (across[rest] ?? '') : '');
  return bar + ' '.repeat(Math.max(0, columns - whole - (rest > 0 ? 1 : 0)));
}

/** The last points, a column each, the highest full; a blank is not known. At most `columns`. */
export function sparkline(points: readonly (number | undefined)[], columns: number, { up }: Symbols): string {
  const shown = points.slice(-Math.max(0, columns));
  if (columns <= 0) return '';
  const highest = Math.max(0, ...shown.map((point) => point ?? 0));
  return shown
    .map((point) => {
      if (point === undefined || point <= 0 || highest === 0)
        return point === undefined ? ' ' : (up[1] ?? '');
      return up[Math.max(1, Math.ceil((point / highest) * (up.length - 1)))] ?? '';
    })
    .join('');
}
