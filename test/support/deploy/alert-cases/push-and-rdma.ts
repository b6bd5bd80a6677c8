// SPDX-License-Identifier: Apache-2.0
// When alerts about pushing and about RDMA ports fire, and when not. For tests only.

import { type AlertCases, fires, of, silent } from './alert-case.js';

const OTHER_HOST = of('xtrace_refreshes_total');
const DROPPED = of('xtrace_push_samples_dropped_total', 'reason="spool_full"');
const SPOOLED = of('xtrace_push_spool_bytes');
const SPOOL_LIMIT = of('xtrace_push_spool_limit_bytes');
const ACTIVE = of('xtrace_rdma_port_active', 'device="mlx5_0",port="1"');
const READ = of('xtrace_rdma_read_success', 'device="mlx5_0",port="1"');
const UNSEEN = of('xtrace_roce_offload_unseen_packets', 'interface="eth0",rdma_device="mlx5_0"');
const HIDDEN = of('xtrace_roce_visibility', 'interface="eth0",rdma_device="mlx5_0",state="hidden_offload"');
const SOFT = of('xtrace_roce_visibility', 'interface="eth0",rdma_device="mlx5_0",state="visible_soft"');

export const PUSH_CASES: AlertCases = {
  XtracePushDown: [
    fires('no batch was accepted for five minutes', 6, [of('xtrace_push_up'), '0x20']),
    silent('one was', 6, [of('xtrace_push_up'), '0x3 1x20']),
    silent('push is off', 6, [OTHER_HOST, '0+12x20']),
  ],
  XtracePushDropping: [
    fires('samples were given up', 7, [DROPPED, '0x5 7x40']),
    silent('ten minutes later', 20, [DROPPED, '0x5 7x40']),
    silent('after a restart', 12, [DROPPED, '50x10 0x40']),
    silent('nothing was ever dropped', 12, [DROPPED, '0x40']),
  ],
  XtracePushSpoolFilling: [
    fires('more than half of it is full', 3, [SPOOLED, '600x20'], [SPOOL_LIMIT, '1000x20']),
    silent('less', 3, [SPOOLED, '400x20'], [SPOOL_LIMIT, '1000x20']),
    silent('there is no spool', 3, [SPOOLED, '0x20'], [SPOOL_LIMIT, '0x20']),
  ],
};

export const RDMA_CASES: AlertCases = {
  XtraceRdmaPortDown: [
    fires('a port that was active', 10, [ACTIVE, '1x5 0x20']),
    fires('one that went down while nobody read it', 15, [ACTIVE, '1x5 _x5 0x20']),
    silent('one that came back', 10, [ACTIVE, '1x5 0x2 1x20']),
    silent('one that nobody uses', 30, [ACTIVE, '0x40']),
    silent('a host without RDMA', 10, [OTHER_HOST, '0+12x20']),
  ],
  XtraceRdmaReadingFailed: [
    fires('ten minutes without an answer', 11, [READ, '0x20']),
    silent('it answers now and then', 11, [READ, '0 0 0 1 0 0 0 0 1 0 0 0']),
    silent('a host without RDMA', 11, [OTHER_HOST, '0+12x20']),
  ],
  XtraceRoceHidden: [
    fires('packets pass by', 30, [UNSEEN, '0+1000x60'], [HIDDEN, '1x60']),
    silent('none do', 30, [UNSEEN, '5000000x60'], [HIDDEN, '1x60']),
    silent('a restart of the exporter', 33, [UNSEEN, '5000000x30 0x30'], [HIDDEN, '1x60']),
    silent('XDP sees them all', 30, [UNSEEN, '0+1000x60'], [SOFT, '1x60']),
    silent('a host without RDMA', 30, [OTHER_HOST, '0+12x60']),
  ],
};
