// SPDX-License-Identifier: Apache-2.0
// When alerts about RoCE fire, and when not. For tests only.

import { type AlertCases, fires, type Given, of, silent } from './alert-case.js';

/** Of the pair from a to b, and of the one back. */
const PAIR = 'interface="eth0",direction="rx",src_ip="a",dst_ip="b"';
const BACK = 'interface="eth0",direction="rx",src_ip="b",dst_ip="a"';

function pair(name: string, labels = ''): string {
  return of(name, labels === '' ? PAIR : `${PAIR},${labels}`);
}

function marked(codepoint: string, samples: string): Given {
  return [pair('xtrace_roce_ecn_packets_total', `codepoint="${codepoint}"`), samples];
}

function packets(dscp: number, samples: string, transport = 'rc', job = 'xtrace-catch'): Given {
  const labels = `${PAIR},version="v2",transport="${transport}",dscp="${dscp}"`;
  return [`xtrace_roce_packets_total{job="${job}",instance="h",${labels}}`, samples];
}

const BYTES = pair('xtrace_roce_bytes_total', 'version="v2",transport="rc",dscp="26"');
const CNP = of('xtrace_roce_cnp_packets_total', BACK, 'other host');
const DELAY = pair('xtrace_roce_rnr_requested_delay_seconds_total');
const INVALID = pair('xtrace_roce_naks_total', 'reason="invalid_request"');
const SEQUENCE = pair('xtrace_roce_naks_total', 'reason="psn_sequence_error"');
const DUPLICATE = pair('xtrace_roce_psn_duplicate_packets_total', 'transport="rc"');
const QUEUE_PAIRS = pair('xtrace_roce_queue_pairs_active');
const PORTS = pair('xtrace_roce_udp_source_ports_active');

export const ROCE_CASES: AlertCases = {
  XtraceRoceCeShare: [
    fires('one in ten', 20, marked('ce', '0+60x60'), marked('ect0', '0+540x60'), [BYTES, '0+600000x60']),
    fires(
      'one in ten, counted anew in between',
      25,
      marked('ce', '0+60x17 0+60x40'),
      marked('ect0', '0+540x17 0+540x40'),
      [BYTES, '0+600000x60'],
    ),
    silent('one in a hundred', 20, marked('ce', '0+6x60'), marked('ect0', '0+594x60'), [
      BYTES,
      '0+600000x60',
    ]),
    silent('a pair that is idle', 20, marked('ce', '60x60'), marked('ect0', '540x60'), [BYTES, '600000x60']),
    silent('a few packets', 20, marked('ce', '0+1x60'), marked('ect0', '0+9x60'), [BYTES, '0+1000x60']),
    silent('no mark was ever seen', 20, marked('ect0', '0+540x60'), [BYTES, '0+600000x60']),
  ],
  XtraceRoceCnpWithoutCe: [
    fires('packets the other way carry none', 30, [CNP, '0+120x60'], marked('ect0', '0+600x60')),
    silent(
      'some do, as another exporter sees',
      30,
      [CNP, '0+120x60'],
      marked('ect0', '0+600x60'),
      marked('ce', '0+60x60'),
    ),
    silent('nobody sees the other way', 30, [CNP, '0+120x60']),
    silent('a CNP now and then', 30, [CNP, '0+6x60'], marked('ect0', '0+600x60')),
  ],
  XtraceRoceReceiverNotReady: [
    fires('a sixtieth of the time', 12, [DELAY, '0+1x60']),
    silent('a six hundredth', 12, [DELAY, '0+0.1x60']),
    silent('it is over', 30, [DELAY, '0+1x15 15x60']),
  ],
  XtraceRoceNakErrors: [
    fires('a single one', 7, [INVALID, '0x5 1x60']),
    silent('ten minutes later', 20, [INVALID, '0x5 1x60']),
    silent('a missing packet is another matter', 7, [SEQUENCE, '0x5 1x60']),
    silent('the pair expired and came back', 20, [INVALID, '3x5 _x8 0x60']),
  ],
  XtraceRoceSequenceNaks: [
    fires('one in five seconds', 12, [SEQUENCE, '0+12x60']),
    silent('one in twenty seconds', 12, [SEQUENCE, '0+3x60']),
    silent('a burst', 12, [SEQUENCE, '0x3 100x60']),
    silent('NAKs of another code', 12, [INVALID, '0+12x60']),
  ],
  XtraceRoceRetransmittedShare: [
    fires('one in twenty', 20, [DUPLICATE, '0+60x60'], packets(26, '0+1200x60')),
    silent('one in two hundred', 20, [DUPLICATE, '0+6x60'], packets(26, '0+1200x60')),
    silent(
      'sprayed packets that come late',
      20,
      [pair('xtrace_roce_retransmitted_packets_total', 'transport="rc"'), '0+600x60'],
      [DUPLICATE, '0x60'],
      packets(26, '0+1200x60'),
    ),
    silent('a few packets', 20, [DUPLICATE, '0+6x60'], packets(26, '0+60x60')),
  ],
  XtraceRoceOnePath: [
    fires('sixteen queue pairs behind one port', 25, [QUEUE_PAIRS, '16x40'], [PORTS, '1x40']),
    fires(
      'also where refreshes find the pair idle',
      25,
      [QUEUE_PAIRS, '16x20 0 16x30'],
      [PORTS, '1x20 0 1x30'],
    ),
    silent('another port a quarter of an hour ago', 32, [QUEUE_PAIRS, '16x40'], [PORTS, '1x18 4 1x40']),
    silent('eight queue pairs', 25, [QUEUE_PAIRS, '8x40'], [PORTS, '1x40']),
    silent('RoCE v1, which has no ports', 25, [QUEUE_PAIRS, '16x40'], [PORTS, '0x40']),
  ],
  XtraceRoceUnusualClass: [
    fires('not the class of the most', 60, packets(26, '0+60000x120'), packets(0, '0+1200x120')),
    silent('the class of all', 60, packets(26, '0+60000x120')),
    silent('CNPs', 60, packets(26, '0+60000x120'), packets(48, '0+1200x120', 'cnp')),
    silent('datagrams', 60, packets(26, '0+60000x120'), packets(0, '0+1200x120', 'ud')),
    silent('the class of another job', 60, packets(26, '0+60000x120'), packets(0, '0+60000x120', 'rc', 'b')),
    silent('a few packets', 60, packets(26, '0+60000x120'), packets(0, '0+60x120')),
  ],
};
