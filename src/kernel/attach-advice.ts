// SPDX-License-Identifier: Apache-2.0
// What an errno of attaching XDP usually means and what helps, one clause each. Pure.

import { ERRNO, errnoName } from './errno.js';

export type XdpMode = 'native' | 'generic';

/** Somebody else's program (or an older one of ours) on an interface. */
export interface Incumbent {
  /** Program id as in `bpftool prog show id N`. */
  readonly id: number;
  /** '' where the kernel does not tell (it needs CAP_SYS_ADMIN). */
  readonly name: string;
  readonly mode: XdpMode | 'offload';
  /** One of our programs: another instance counts this interface. */
  readonly isOurs: boolean;
}

/** Why one step failed. No full stop: it is put into a longer sentence. */
export function attachAdvice(errno: number, mode: XdpMode, interfaceName: string): string {
  const name = errnoName(errno);
  switch (errno) {
    case ERRNO.EPERM:
      return `${name}: it needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON`;
    case ERRNO.ENODEV:
      return `${name}: the interface is gone`;
    case ERRNO.EBUSY:
    case ERRNO.EEXIST:
      return `${name}: another XDP program was attached meanwhile`;
    case ERRNO.ENOMEM:
      return `${name}: no memory, or too few free queues (ethtool -L ${interfaceName} combined N with a smaller N)`;
    default:
  }
  if (mode === 'generic') {
    return errno === ERRNO.EOPNOTSUPP || errno === ERRNO.EINVAL
      ? `${name}: the kernel has no generic XDP for this kind of interface`
      : name;
  }
  switch (errno) {
    case ERRNO.EOPNOTSUPP:
    case ERRNO.ENOTSUPP:
      return `${name}: the driver has no native XDP, or refuses it while LRO or hardware GRO is on (ethtool -K ${interfaceName} lro off rx-gro-hw off)`;
    case ERRNO.EINVAL:
    case ERRNO.ERANGE:
      return `${name}: the driver refuses native XDP as the interface is set up, usually for its MTU (ip link set dev ${interfaceName} mtu 1500) or its number of queues (ethtool -L ${interfaceName} combined N)`;
    case ERRNO.ENOSPC:
      return `${name}: too few queues for native XDP (ethtool -L ${interfaceName} combined N)`;
    default:
      return name;
  }
}

/** The whole sentence for an interface that has a program already. */
export function incumbentSentence(incumbent: Incumbent, interfaceName: string): string {
  const label = incumbent.name === '' ? `id ${incumbent.id}` : `"${incumbent.name}", id ${incumbent.id}`;
  const found = `${interfaceName} already has an XDP program (${label}, ${incumbent.mode} mode), which was left alone`;
  return incumbent.isOurs
    ? `${found}: it is one of ours, so another xtrace-catch counts this interface, or has left it pinned; stop that one (xtrace-catch unpin, where it has ended) or choose another interface`
    : `${found}: stop what owns it (bpftool link and ip link show tell), or choose another interface`;
}
