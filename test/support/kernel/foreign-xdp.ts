// SPDX-License-Identifier: Apache-2.0
// Somebody else's XDP program: two instructions that pass every frame, attached the old way, by
// netlink, so that it stays until it is taken off. For tests only.

import { createRequire } from 'node:module';

const BPF_PROG_TYPE_XDP = 6;
const XDP_FLAGS = { generic: 1 << 1, native: 1 << 2 } as const;

/** r0 = XDP_PASS; exit. */
const PASS = Buffer.from([0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);

/** Attaches it in the main thread's namespace; throws when the kernel refuses. */
export function attachForeignXdp(ifindex: number, mode: keyof typeof XDP_FLAGS, name: string): void {
  const require = createRequire(import.meta.url);
  const ffi = require('ffi-napi') as typeof import('ffi-napi');
  const libbpf = ffi.Library('libbpf.so.1', {
    // int bpf_prog_load(enum bpf_prog_type, const char *name, const char *license, const struct bpf_insn *insns, size_t insn_cnt, const struct bpf_prog_load_opts *opts)
    bpf_prog_load: ['int', ['int', 'string', 'string', 'char *', 'size_t', 'size_t']],
    // int bpf_xdp_attach(int ifindex, int prog_fd, __u32 flags, const struct bpf_xdp_attach_opts *opts)
    bpf_xdp_attach: ['int', ['int', 'int', 'uint32', 'size_t']],
  });
  const programFd = libbpf.bpf_prog_load(BPF_PROG_TYPE_XDP, name, 'GPL', PASS as never, PASS.length / 8, 0);
  if (programFd < 0) throw new Error(`bpf_prog_load: ${programFd}`);
  const rc = libbpf.bpf_xdp_attach(ifindex, programFd, XDP_FLAGS[mode], 0);
  if (rc < 0) throw new Error(`bpf_xdp_attach: ${rc}`);
}
