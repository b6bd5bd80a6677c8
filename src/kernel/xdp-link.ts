// SPDX-License-Identifier: Apache-2.0
// A bpf_link of XDP: attached for as long as its descriptor is open, so that a killed process leaves
// nothing behind; or, where it is pinned (pins/pinned-links.ts), until its pin is gone.

import { readXdpLinkInfo } from './bpf-fds.js';
import { ERRNO, errnoName } from './errno.js';
import type { Libbpf, Libc } from './ffi.js';

// enum bpf_attach_type and XDP_FLAGS_* of include/uapi/linux.
const BPF_XDP = 37;
export const XDP_MODE_FLAG = { generic: 1 << 1, native: 1 << 2 } as const;

// struct bpf_link_create_opts of libbpf 1.x, the part we use; it grows at its end.
const CREATE_OPTS = { size: 16, sz: 0, flags: 8 } as const;

/** Why the kernel would not. */
export interface LinkRefusal {
  /** Positive. */
  readonly errno: number;
  readonly errnoName: string;
}

export interface XdpLink {
  readonly ifindex: number;
  /** Valid until close(). */
  readonly fd: number;
  /** False once the interface is gone (the link then hangs in the air), or after close(). */
  isAlive(): boolean;
  /**
   * From one packet to the next, this program takes the place of the former one, of whom the last run ends
   * within a grace period (KernelMaps.fence). Where the answer is a refusal the former one goes on; ENOLINK
   * is one of an interface that is gone.
   */
  update(programFd: number): LinkRefusal | undefined;
  /** Detaches, and removes the pin if there is one. Safe to call twice. */
  detach(): void;
  /** Detaches, unless it is pinned: then the program goes on without us. Safe to call twice. */
  close(): void;
}

interface Parts {
  readonly libbpf: Libbpf;
  readonly libc: Libc;
}

const IF_NAMESIZE = 16;

/** The link, or the positive errno; ENODEV where the namespace has no such interface. */
export function createXdpLink(
  { libbpf, libc }: Parts,
  { programFd, ifindex, modeFlag }: { programFd: number; ifindex: number; modeFlag: number },
): XdpLink | number {
  const opts = Buffer.alloc(CREATE_OPTS.size);
  opts.writeBigUInt64LE(BigInt(CREATE_OPTS.size), CREATE_OPTS.sz);
  opts.writeUInt32LE(modeFlag, CREATE_OPTS.flags);
  const fd = libbpf.bpf_link_create(programFd, ifindex, BPF_XDP, opts);
  if (fd < 0) {
    // bpf_xdp_link_attach() in net/core/dev.c says EINVAL of an interface that is gone, too.
    const exists = !libc.memory.isNull(libc.if_indextoname(ifindex, Buffer.alloc(IF_NAMESIZE)));
    return exists ? -fd : ERRNO.ENODEV;
  }
  return holdXdpLink({ libbpf, libc }, fd, ifindex);
}

/** A link by its descriptor, which is closed with it. */
export function holdXdpLink({ libbpf, libc }: Parts, fd: number, ifindex: number): XdpLink {
  let isClosed = false;
  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    libc.close(fd);
  };
  return {
    fd,
    ifindex,
    isAlive: () => !isClosed && (readXdpLinkInfo(libbpf, fd)?.ifindex ?? 0) !== 0,
    update(programFd) {
      const rc = isClosed ? -ERRNO.EBADF : libbpf.bpf_link_update(fd, programFd, libbpf.memory.NULL);
      return rc === 0 ? undefined : { errno: -rc, errnoName: errnoName(-rc) };
    },
    detach: close,
    close,
  };
}
