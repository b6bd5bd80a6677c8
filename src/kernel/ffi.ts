// SPDX-License-Identifier: Apache-2.0
// Every foreign function we call, each beside the C prototype it restates: ffi-napi says nothing
// when a type here is wrong. Opened by a factory, never at import, so that --help needs no library.
// No logic beyond passing memory and waiting: what a call means is known by the file that makes it.

import { createRequire } from 'node:module';
import { KernelError } from '../errors.js';

interface Addon {
  readonly ffi: typeof import('ffi-napi');
  readonly ref: typeof import('ref-napi');
}

// A pointer is a Buffer to us, with nothing of ref-napi's on it.
type Plain<T> = T extends Buffer ? Buffer : T;
type PlainAll<T extends unknown[]> = { [I in keyof T]: Plain<T[I]> };
type PlainFunctions<T> = {
  readonly [Name in keyof T]: T[Name] extends (...args: infer Args) => infer Result
    ? ForeignFunction<PlainAll<Args>, Plain<Result>>
    : never;
};

/** A C function; `.async` runs it on a thread of the pool, see callAsync. */
interface ForeignFunction<Args extends unknown[], Result> {
  (...args: Args): Result;
  async(...args: [...Args, (error: unknown, result: Result) => void]): void;
}

function loadAddon(): Addon {
  const require = createRequire(import.meta.url);
  try {
    return {
      ffi: require('ffi-napi') as Addon['ffi'],
      ref: require('ref-napi') as Addon['ref'],
    };
  } catch (cause) {
    throw new KernelError(
      'require ffi-napi',
      0,
      `the native module ffi-napi does not load on Node ${process.versions.node} ${process.arch}: run "npm rebuild" in the folder of this program, with a C++ compiler installed`,
      { cause, detail: String(cause) },
    );
  }
}

function declareLibbpf(ffi: Addon['ffi']) {
  return ffi.Library('libbpf.so.1', {
    // libbpf_print_fn_t libbpf_set_print(libbpf_print_fn_t fn)
    libbpf_set_print: ['pointer', ['pointer']],
    // const char *libbpf_version_string(void)
    libbpf_version_string: ['string', []],
    // int libbpf_num_possible_cpus(void)
    libbpf_num_possible_cpus: ['int', []],

    // struct bpf_object *bpf_object__open_mem(const void *obj_buf, size_t obj_buf_sz, const struct bpf_object_open_opts *opts)
    bpf_object__open_mem: ['pointer', ['pointer', 'size_t', 'pointer']],
    // int bpf_object__load(struct bpf_object *obj)
    bpf_object__load: ['int', ['pointer']],
    // void bpf_object__close(struct bpf_object *obj)
    bpf_object__close: ['void', ['pointer']],
    // struct btf *bpf_object__btf(const struct bpf_object *obj)
    bpf_object__btf: ['pointer', ['pointer']],
    // struct bpf_map *bpf_object__find_map_by_name(const struct bpf_object *obj, const char *name)
    bpf_object__find_map_by_name: ['pointer', ['pointer', 'string']],
    // struct bpf_map *bpf_object__next_map(const struct bpf_object *obj, const struct bpf_map *map)
    bpf_object__next_map: ['pointer', ['pointer', 'pointer']],
    // struct bpf_program *bpf_object__next_program(const struct bpf_object *obj, struct bpf_program *prog)
    bpf_object__next_program: ['pointer', ['pointer', 'pointer']],

    // const char *bpf_program__name(const struct bpf_program *prog)
    bpf_program__name: ['string', ['pointer']],
    // int bpf_program__fd(const struct bpf_program *prog)
    bpf_program__fd: ['int', ['pointer']],
    // int bpf_program__set_autoload(struct bpf_program *prog, bool autoload)
    bpf_program__set_autoload: ['int', ['pointer', 'bool']],

    // const char *bpf_map__name(const struct bpf_map *map)
    bpf_map__name: ['string', ['pointer']],
    // int bpf_map__fd(const struct bpf_map *map)
    bpf_map__fd: ['int', ['pointer']],
    // int bpf_map__set_max_entries(struct bpf_map *map, __u32 max_entries)
    bpf_map__set_max_entries: ['int', ['pointer', 'uint32']],
    // int bpf_map__reuse_fd(struct bpf_map *map, int fd)
    bpf_map__reuse_fd: ['int', ['pointer', 'int']],
    // __u32 bpf_map__max_entries(const struct bpf_map *map)
    bpf_map__max_entries: ['uint32', ['pointer']],
    // __u32 bpf_map__key_size(const struct bpf_map *map)
    bpf_map__key_size: ['uint32', ['pointer']],
    // __u32 bpf_map__value_size(const struct bpf_map *map)
    bpf_map__value_size: ['uint32', ['pointer']],
    // const void *bpf_map__initial_value(struct bpf_map *map, size_t *psize)
    bpf_map__initial_value: ['pointer', ['pointer', 'pointer']],

    // __s32 btf__find_by_name_kind(const struct btf *btf, const char *type_name, __u32 kind)
    btf__find_by_name_kind: ['int32', ['pointer', 'string', 'uint32']],
    // const struct btf_type *btf__type_by_id(const struct btf *btf, __u32 id)
    btf__type_by_id: ['pointer', ['pointer', 'uint32']],
    // const char *btf__name_by_offset(const struct btf *btf, __u32 offset)
    btf__name_by_offset: ['string', ['pointer', 'uint32']],

    // int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags)
    bpf_map_update_elem: ['int', ['int', 'pointer', 'pointer', 'uint64']],
    // int bpf_map_lookup_elem(int fd, const void *key, void *value)
    bpf_map_lookup_elem: ['int', ['int', 'pointer', 'pointer']],
    // int bpf_map_delete_elem(int fd, const void *key)
    bpf_map_delete_elem: ['int', ['int', 'pointer']],
    // int bpf_map_create(enum bpf_map_type map_type, const char *map_name, __u32 key_size, __u32 value_size, __u32 max_entries, const struct bpf_map_create_opts *opts)
    bpf_map_create: ['int', ['int', 'string', 'uint32', 'uint32', 'uint32', 'pointer']],
    // int bpf_map_update_batch(int fd, const void *keys, const void *values, __u32 *count, const struct bpf_map_batch_opts *opts)
    bpf_map_update_batch: ['int', ['int', 'pointer', 'pointer', 'pointer', 'pointer']],
    // int bpf_map_lookup_batch(int fd, void *in_batch, void *out_batch, void *keys, void *values, __u32 *count, const struct bpf_map_batch_opts *opts)
    bpf_map_lookup_batch: ['int', ['int', 'pointer', 'pointer', 'pointer', 'pointer', 'pointer', 'pointer']],
    // int bpf_map_lookup_and_delete_batch(int fd, void *in_batch, void *out_batch, void *keys, void *values, __u32 *count, const struct bpf_map_batch_opts *opts)
    bpf_map_lookup_and_delete_batch: [
      'int',
      ['int', 'pointer', 'pointer', 'pointer', 'pointer', 'pointer', 'pointer'],
    ],

    // int bpf_link_create(int prog_fd, int target_fd, enum bpf_attach_type attach_type, const struct bpf_link_create_opts *opts)
    bpf_link_create: ['int', ['int', 'int', 'int', 'pointer']],
    // int bpf_link_update(int link_fd, int new_prog_fd, const struct bpf_link_update_opts *opts)
    bpf_link_update: ['int', ['int', 'int', 'pointer']],
    // int bpf_link_detach(int link_fd)
    bpf_link_detach: ['int', ['int']],
    // int bpf_obj_pin(int fd, const char *pathname)
    bpf_obj_pin: ['int', ['int', 'string']],
    // int bpf_obj_get(const char *pathname)
    bpf_obj_get: ['int', ['string']],
    // int bpf_xdp_query(int ifindex, int flags, struct bpf_xdp_query_opts *opts)
    bpf_xdp_query: ['int', ['int', 'int', 'pointer']],
    // int bpf_prog_get_fd_by_id(__u32 id)
    bpf_prog_get_fd_by_id: ['int', ['uint32']],
    // int bpf_obj_get_info_by_fd(int bpf_fd, void *info, __u32 *info_len)
    bpf_obj_get_info_by_fd: ['int', ['int', 'pointer', 'pointer']],
    // int bpf_prog_test_run_opts(int prog_fd, struct bpf_test_run_opts *opts)
    bpf_prog_test_run_opts: ['int', ['int', 'pointer']],
  });
}

function declareLibc(ffi: Addon['ffi']) {
  return ffi.Library(null, {
    // void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
    // The result as a number: MAP_FAILED (-1) must never become a Buffer.
    mmap: ['int64', ['pointer', 'size_t', 'int', 'int', 'int', 'int64']],
    // int socket(int domain, int type, int protocol)
    socket: ['int', ['int', 'int', 'int']],
    // int bind(int sockfd, const struct sockaddr *addr, socklen_t addrlen)
    bind: ['int', ['int', 'pointer', 'uint32']],
    // int setsockopt(int sockfd, int level, int optname, const void *optval, socklen_t optlen)
    setsockopt: ['int', ['int', 'int', 'int', 'pointer', 'uint32']],
    // int ioctl(int fd, unsigned long request, ...)   always with one pointer here
    ioctl: ['int', ['int', 'ulong', 'pointer']],
    // ssize_t send(int sockfd, const void *buf, size_t len, int flags)
    send: ['int64', ['int', 'pointer', 'size_t', 'int']],
    // ssize_t sendto(int sockfd, const void *buf, size_t len, int flags, const struct sockaddr *dest_addr, socklen_t addrlen)
    sendto: ['int64', ['int', 'pointer', 'size_t', 'int', 'pointer', 'uint32']],
    // ssize_t recv(int sockfd, void *buf, size_t len, int flags)
    recv: ['int64', ['int', 'pointer', 'size_t', 'int']],
    // int close(int fd)
    close: ['int', ['int']],
    // int flock(int fd, int operation)
    flock: ['int', ['int', 'int']],
    // int sigfillset(sigset_t *set)
    sigfillset: ['int', ['pointer']],
    // int pthread_sigmask(int how, const sigset_t *set, sigset_t *oldset)   returns an errno
    pthread_sigmask: ['int', ['int', 'pointer', 'pointer']],
    // char *if_indextoname(unsigned int ifindex, char *ifname)
    if_indextoname: ['pointer', ['uint32', 'pointer']],
  });
}

/** Memory that C code gave us. */
export interface ForeignMemory {
  readonly NULL: Buffer;
  /** `lengthBytes` at a returned pointer. No copy: valid only as long as its owner keeps it. */
  view(pointer: Buffer, lengthBytes: number): Buffer;
  /** The same, at an address. */
  viewAt(address: number, lengthBytes: number): Buffer;
  /** The address of a buffer, to be written into a C struct; whoever calls keeps the buffer alive. */
  addressOf(buffer: Buffer): bigint;
  isNull(pointer: Buffer): boolean;
  /** The C errno of this thread, right after a call. Not for .async calls: those ran on another thread. */
  errno(): number;
}

function createForeignMemory({ ffi, ref }: Addon): ForeignMemory {
  return {
    NULL: ref.NULL,
    view: (pointer, lengthBytes) => ref.reinterpret(pointer, lengthBytes),
    viewAt(address, lengthBytes) {
      const cell = Buffer.alloc(8);
      cell.writeBigUInt64LE(BigInt(address));
      return ref.readPointer(cell, 0, lengthBytes);
    },
    addressOf: (buffer) => BigInt(ref.address(buffer)),
    isNull: (pointer) => ref.isNull(pointer),
    errno: () => ffi.errno(),
  };
}

export type Libbpf = PlainFunctions<ReturnType<typeof declareLibbpf>> & { readonly memory: ForeignMemory };
export type Libc = PlainFunctions<ReturnType<typeof declareLibc>> & { readonly memory: ForeignMemory };

/**
 * Opens libbpf and silences what it would print to stderr; the verifier's log is asked for on its
 * own (object.ts). Throws KernelError where libbpf.so.1 is missing.
 */
export function openLibbpf(): Libbpf {
  const addon = loadAddon();
  let functions: ReturnType<typeof declareLibbpf>;
  try {
    functions = declareLibbpf(addon.ffi);
  } catch (cause) {
    throw new KernelError(
      'dlopen libbpf.so.1',
      0,
      'libbpf.so.1 cannot be loaded: install it (apt-get install libbpf1, on Debian 12 or Ubuntu 24.04 and later; libbpf0 of older releases will not do)',
      { cause, detail: String(cause) },
    );
  }
  // What ref-napi's types ask of a pointer beyond being a Buffer, its code does not use.
  const libbpf = Object.assign(functions as unknown as PlainFunctions<typeof functions>, {
    memory: createForeignMemory(addon),
  });
  libbpf.libbpf_set_print(libbpf.memory.NULL);
  return libbpf;
}

/** Opens the C library of the process. Throws KernelError where the native module is missing. */
export function openLibc(): Libc {
  const addon = loadAddon();
  const functions = declareLibc(addon.ffi);
  return Object.assign(functions as unknown as PlainFunctions<typeof functions>, {
    memory: createForeignMemory(addon),
  });
}

/**
 * Runs a foreign function on a thread of the pool; resolves with what it returns. The buffers it
 * is given stay referenced until it has returned.
 */
export function callAsync<Args extends unknown[]>(
  foreign: { async(...args: [...Args, (error: unknown, result: number) => void]): void },
  ...args: Args
): Promise<number> {
  const held: unknown[] = [...args];
  return new Promise((resolve, reject) => {
    foreign.async(...args, (error, result) => {
      held.length = 0;
      if (error) reject(error);
      else resolve(result);
    });
  });
}
