// SPDX-License-Identifier: Apache-2.0
// Where a global variable lies within .rodata or .bss, from the object's BTF: the compiler may put
// constants of its own before it. Reads BTF only.

import { AbiError } from '../errors.js';
import type { Libbpf } from './ffi.js';

// include/uapi/linux/btf.h: struct btf_type is 12 bytes; for a DATASEC, vlen (low 16 bits of info)
// struct btf_var_secinfo of 12 bytes follow it.
const BTF_KIND_DATASEC = 15;
const BTF_TYPE = { size: 12, nameOffset: 0, info: 4 } as const;
const VAR_SECINFO = { size: 12, type: 0, offset: 4, length: 8 } as const;

/** A variable's place in its section. */
export interface VariablePlace {
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** @param btf struct btf of an opened object. Throws AbiError where there is no such variable. */
export function locateVariable(
  libbpf: Libbpf,
  btf: Buffer,
  section: string,
  variable: string,
): VariablePlace {
  const { memory } = libbpf;
  const missing = () => new AbiError(`variable "${variable}" in ${section}`, 'one', 'none');
  if (memory.isNull(btf)) throw missing();
  const id = libbpf.btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC);
  if (id < 0) throw missing();
  const type = libbpf.btf__type_by_id(btf, id);
  const count = memory.view(type, BTF_TYPE.size).readUInt32LE(BTF_TYPE.info) & 0xffff;
  const entries = memory.view(type, BTF_TYPE.size + count * VAR_SECINFO.size).subarray(BTF_TYPE.size);
  for (let at = 0; at < entries.length; at += VAR_SECINFO.size) {
    const variableType = libbpf.btf__type_by_id(btf, entries.readUInt32LE(at + VAR_SECINFO.type));
    const nameOffset = memory.view(variableType, BTF_TYPE.size).readUInt32LE(BTF_TYPE.nameOffset);
    if (libbpf.btf__name_by_offset(btf, nameOffset) !== variable) continue;
    return {
      offsetBytes: entries.readUInt32LE(at + VAR_SECINFO.offset),
      sizeBytes: entries.readUInt32LE(at + VAR_SECINFO.length),
    };
  }
  throw missing();
}
