// SPDX-License-Identifier: Apache-2.0
// What was not well between two RoCE hosts, in words. src asks or refuses what dst had sent, or is marked on its
// way to dst: docs/roce.md. Pure.

import { PAIR_NUMBER } from './pair-rates.js';

export interface PairTrouble {
  readonly code: 'cnp' | 'ce' | 'nak' | 'rnr' | 'gaps' | 'retransmitted';
  /** No full stop. */
  readonly sentence: string;
}

/** grown: in the last spanMs, by PAIR_NUMBER. */
export function troubleOf(src: string, dst: string, grown: Float64Array, spanMs: number): PairTrouble[] {
  const count = (name: keyof typeof PAIR_NUMBER): number => grown[PAIR_NUMBER[name]] ?? 0;
  const rate = (name: keyof typeof PAIR_NUMBER): string =>
    spanMs > 0 ? rateText((count(name) * 1000) / spanMs) : String(count(name));
  const said: (PairTrouble & { readonly isThere: boolean })[] = [
    {
      code: 'cnp',
      isThere: count('cnpPackets') > 0,
      sentence: `${src} asks ${dst} to slow down: ${rate('cnpPackets')} CNP/s`,
    },
    {
      code: 'ce',
      isThere: count('cePackets') > 0,
      sentence: `${percentText(count('cePackets'), count('ecnPackets'))} of the packets from ${src} to ${dst} are marked: a switch on their way is congested`,
    },
    {
      code: 'nak',
      isThere: count('naks') > 0,
      sentence: `${src} refuses what ${dst} sends: ${rate('naks')} NAK/s`,
    },
    {
      code: 'rnr',
      isThere: count('rnrNaks') > 0,
      sentence: `${src} has no receive buffer ready for ${dst}: ${rate('rnrNaks')} RNR NAK/s`,
    },
    {
      code: 'gaps',
      isThere: count('psnGaps') > 0,
      sentence: `packets from ${src} to ${dst} are missing where they are counted: ${rate('psnGaps')} gaps/s`,
    },
    {
      code: 'retransmitted',
      isThere: count('retransmitted') > 0,
      sentence: `${src} sends packets to ${dst} again: ${rate('retransmitted')} packets/s`,
    },
  ];
  return said.filter(({ isThere }) => isThere).map(({ code, sentence }) => ({ code, sentence }));
}

/** Three digits that count, at most. */
function rateText(perSecond: number): string {
  return perSecond >= 100 ? perSecond.toFixed(0) : String(Number(perSecond.toPrecision(2)));
}

function percentText(part: number, whole: number): string {
  const percent = whole > 0 ? (100 * part) / whole : 100;
  return `${percent >= 10 ? percent.toFixed(0) : percent >= 0.1 ? percent.toFixed(1) : 'less than 0.1'} %`;
}
