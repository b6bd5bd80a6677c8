// SPDX-License-Identifier: Apache-2.0
// When alerts about the exporter fire, and when not. For tests only.

import { type AlertCases, fires, type Given, of, silent } from './alert-case.js';

const BUILD = of('xtrace_build_info', 'version="1"');
const REFRESHED = of('xtrace_refresh_timestamp_seconds');
const EVERY = of('xtrace_refresh_interval_seconds');
const STARTED = of('process_start_time_seconds');
const GENERIC = of('xtrace_interface_attach_info', 'interface="eth0",mode="generic",framing="ethernet"');
const INFINIBAND = of('xtrace_interface_attach_info', 'interface="ib0",mode="generic",framing="infiniband"');
const NATIVE = of('xtrace_interface_attach_info', 'interface="eth0",mode="native",framing="ethernet"');
const OVERFLOW = of('xtrace_kernel_overflow_packets_total', 'interface="eth0",traffic_type="TCP"');
const STREAMS = of('xtrace_roce_other_packets_total', 'interface="eth0",version="v2",reason="map_full"');
const EXPIRED = of('xtrace_roce_other_packets_total', 'interface="eth0",version="v2",reason="expired"');

function refused(errno: string): Given {
  return [
    of('xtrace_interface_attach_failures_total', `interface="eth0",mode="native",errno="${errno}"`),
    '1x40',
  ];
}

/** Of a counter that is not there before its first packet. */
function firstPacket(counter: string): AlertCases[string] {
  return [
    fires(
      'the first packet, though the counter was not there before',
      12,
      [counter, '_x9 8x30'],
      [BUILD, '1x40'],
    ),
    silent('ten minutes later', 25, [counter, '_x9 8x30'], [BUILD, '1x40']),
    fires('more packets', 25, [counter, '8x20 9x20'], [BUILD, '1x40']),
    fires('after a restart, from there on', 25, [counter, '100x20 5x20'], [BUILD, '1x40']),
    silent('after a restart without any', 25, [counter, '100x20 stale'], [BUILD, '1x40']),
    fires('an exporter that started minutes ago', 5, [counter, '8x20'], [BUILD, '1x40'], [STARTED, '0x40']),
    silent(
      'a server that is new, or was away: the counter is old',
      5,
      [counter, '8x20'],
      [BUILD, '1x40'],
      [STARTED, '-3600x40'],
    ),
    silent('no such counter', 12, [BUILD, '1x40']),
  ];
}

export const EXPORTER_CASES: AlertCases = {
  XtraceTargetDown: [
    fires('five minutes without an answer', 6, [of('up'), '0x20']),
    silent('four minutes', 4, [of('up'), '0x20']),
    silent('a restart between two scrapes', 12, [of('up'), '1x5 0 1x20']),
    silent('the target of another job', 12, ['up{job="node",instance="h"}', '0x20']),
  ],
  XtraceHostSilent: [
    fires('a host that pushed until a while ago', 20, [BUILD, '1x10 stale']),
    silent(
      'one that pushes under a new version',
      20,
      [BUILD, '1x10 stale'],
      [of('xtrace_build_info', 'version="2"'), '_x10 1x20'],
    ),
    silent(
      'a target that is down: another alert says so',
      20,
      [BUILD, '1x10 stale'],
      [of('up'), '1x10 0x20'],
    ),
    silent('a scraped one that left service discovery', 20, [BUILD, '1x10 stale'], [of('up'), '1x10 stale']),
    silent(
      'the same, to the end of the hour, whether or not its last series were ended',
      68,
      [BUILD, '1x10 _x80'],
      [of('up'), '1x10 stale'],
    ),
    silent('one that was taken away more than an hour ago', 90, [BUILD, '1x10 stale']),
  ],
  XtraceRefreshStale: [
    fires('refreshes fail', 12, [REFRESHED, '0+60x5 300x20'], [EVERY, '5x30']),
    fires('there never was a good one', 12, [REFRESHED, '0x30'], [EVERY, '5x30'], [STARTED, '0x30']),
    silent('all is well', 12, [REFRESHED, '0+60x30'], [EVERY, '5x30']),
    silent('one refresh failed', 9, [REFRESHED, '0+60x5 300 420+60x20'], [EVERY, '5x30']),
    silent(
      'it started minutes ago, and refreshes once an hour',
      400,
      [REFRESHED, '_x380 0x30'],
      [EVERY, '_x380 3600x30'],
      [STARTED, '_x380 22800x30'],
    ),
  ],
  XtraceNotAttached: [
    fires('no program on an interface', 6, [of('xtrace_interface_attached', 'interface="eth0"'), '0x20']),
    silent('one on it', 6, [of('xtrace_interface_attached', 'interface="eth0"'), '1x20']),
    silent('an interface that came back', 6, [
      of('xtrace_interface_attached', 'interface="eth0"'),
      '0x3 1x20',
    ]),
  ],
  XtraceGenericMode: [
    fires('generic mode was asked for', 16, [GENERIC, '1x40']),
    fires('native mode was refused for what can be changed', 16, [GENERIC, '1x40'], refused('EINVAL')),
    silent('the driver has no native mode', 16, [GENERIC, '1x40'], refused('EOPNOTSUPP')),
    silent('no native mode is for InfiniBand', 16, [INFINIBAND, '1x40']),
    silent('native mode', 16, [NATIVE, '1x40']),
  ],
  XtraceSeriesAtLimit: [
    fires(
      'hardly a series is free',
      16,
      [of('xtrace_series'), '9600x40'],
      [of('xtrace_series_limit'), '10000x40'],
    ),
    silent('a tenth is free', 16, [of('xtrace_series'), '9000x40'], [of('xtrace_series_limit'), '10000x40']),
    silent(
      'a peak',
      16,
      [of('xtrace_series'), '100x9 9900x3 100x40'],
      [of('xtrace_series_limit'), '10000x40'],
    ),
  ],
  XtraceRocePairsAtLimit: [
    fires(
      'hardly a pair is free',
      16,
      [of('xtrace_roce_pairs'), '960x40'],
      [of('xtrace_roce_pairs_limit'), '1000x40'],
    ),
    silent(
      'half are free',
      16,
      [of('xtrace_roce_pairs'), '500x40'],
      [of('xtrace_roce_pairs_limit'), '1000x40'],
    ),
    silent('RoCE is not read', 16, [of('xtrace_series'), '960x40'], [of('xtrace_series_limit'), '10000x40']),
  ],
  XtraceMapFull: firstPacket(OVERFLOW) ?? [],
  XtraceRoceMapFull: [
    ...(firstPacket(STREAMS) ?? []),
    silent('pairs expire', 12, [EXPIRED, '_x9 8x30'], [BUILD, '1x40']),
  ],
  XtraceExpositionNearLimit: [
    fires('an answer of 15.5 MB', 16, [of('xtrace_exposition_estimated_bytes'), '15500000x40']),
    silent('one of 12 MB', 16, [of('xtrace_exposition_estimated_bytes'), '12000000x40']),
  ],
};
