// SPDX-License-Identifier: Apache-2.0
// On which CPU the main thread runs: a program run by BPF_PROG_TEST_RUN counts where its caller is.

import { createRequire } from 'node:module';

/** Bytes of glibc's cpu_set_t. */
const CPU_SET_BYTES = 128;
const OWN_THREAD = 0;

/** close() it in the end: the thread may then run where it could before. */
export class ThreadCpus {
  readonly #ffi = createRequire(import.meta.url)('ffi-napi') as typeof import('ffi-napi');
  // int sched_getaffinity(pid_t pid, size_t cpusetsize, cpu_set_t *mask), and the same to set
  readonly #libc = this.#ffi.Library(null, {
    sched_getaffinity: ['int', ['int', 'size_t', 'pointer']],
    sched_setaffinity: ['int', ['int', 'size_t', 'pointer']],
  });
  readonly #before = Buffer.alloc(CPU_SET_BYTES);
  /** CPUs that the thread may use. */
  readonly cpus: readonly number[];

  constructor() {
    this.#check('get', this.#libc.sched_getaffinity(OWN_THREAD, CPU_SET_BYTES, this.#before));
    this.cpus = Array.from({ length: 8 * CPU_SET_BYTES }, (_, cpu) => cpu).filter(
      (cpu) => ((this.#before[cpu >> 3] ?? 0) & (1 << (cpu & 7))) !== 0,
    );
  }

  /** Moves the thread to one CPU. */
  moveTo(cpu: number): void {
    const mask = Buffer.alloc(CPU_SET_BYTES);
    mask[cpu >> 3] = 1 << (cpu & 7);
    this.#check('set', this.#libc.sched_setaffinity(OWN_THREAD, CPU_SET_BYTES, mask));
  }

  close(): void {
    this.#check('set', this.#libc.sched_setaffinity(OWN_THREAD, CPU_SET_BYTES, this.#before));
  }

  #check(what: 'get' | 'set', rc: number): void {
    if (rc !== 0) throw new Error(`sched_${what}affinity: errno ${this.#ffi.errno()}`);
  }
}
