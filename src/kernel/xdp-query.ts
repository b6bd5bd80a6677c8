// SPDX-License-Identifier: Apache-2.0
// Which XDP program an interface has. Asks only; changes nothing.

import type { Incumbent } from './attach-advice.js';
import { readProgramInfo } from './bpf-fds.js';
import type { Libbpf, Libc } from './ffi.js';
import { PROGRAM_PREFIX } from './prepare-object.js';

// struct bpf_xdp_query_opts of libbpf 1.x.
const QUERY_OPTS = {
  size: 32,
  sz: 0,
  driverProgramId: 12,
  offloadProgramId: 16,
  genericProgramId: 20,
} as const;

/** `errno` is 0 when the question was answered; the name of the incumbent may be ''. */
export interface XdpQueryResult {
  readonly errno: number;
  readonly incumbent?: Incumbent;
}

/** Asks in the network namespace of the calling thread. */
export function queryXdp({ libbpf, libc }: { libbpf: Libbpf; libc: Libc }, ifindex: number): XdpQueryResult {
  const opts = Buffer.alloc(QUERY_OPTS.size);
  opts.writeBigUInt64LE(BigInt(QUERY_OPTS.size), QUERY_OPTS.sz);
  const rc = libbpf.bpf_xdp_query(ifindex, 0, opts);
  if (rc < 0) return { errno: -rc };
  const found = (
    [
      ['native', QUERY_OPTS.driverProgramId],
      ['generic', QUERY_OPTS.genericProgramId],
      ['offload', QUERY_OPTS.offloadProgramId],
    ] as const
  ).map(([mode, offset]) => ({ mode, id: opts.readUInt32LE(offset) }));
  const first = found.find(({ id }) => id !== 0);
  if (first === undefined) return { errno: 0 };
  const name = readProgramName({ libbpf, libc }, first.id);
  return { errno: 0, incumbent: { ...first, name, isOurs: name.startsWith(PROGRAM_PREFIX) } };
}

/** '' where the kernel does not tell: without CAP_SYS_ADMIN, or the program has just gone. */
function readProgramName({ libbpf, libc }: { libbpf: Libbpf; libc: Libc }, id: number): string {
  const fd = libbpf.bpf_prog_get_fd_by_id(id);
  if (fd < 0) return '';
  const info = readProgramInfo(libbpf, fd);
  libc.close(fd);
  return info?.name ?? '';
}
