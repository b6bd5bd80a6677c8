// SPDX-License-Identifier: Apache-2.0
// A pod as the kubelet and the runtime would start it, as far as they say how: privileges, root file system,
// volumes, memory. For tests only.

import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { ContainerMount, ContainerOptions } from '../exporter/container.js';
import { mountBpffs } from '../kernel/bpffs.js';
import { temporaryFolder } from '../temporary-folder.js';
import { type Manifest, manifestOf, onlyContainerOf, parseQuantity, podSpecOf } from './manifests.js';

/**
 * Of what a runtime's own seccomp profile refuses to those without the capability for it, what a program like
 * this one might call.
 */
const RUNTIME_DEFAULT_REFUSES =
  'acct add_key chroot clock_settime delete_module fanotify_init finit_module get_mempolicy init_module io_uring_enter io_uring_register io_uring_setup kcmp kexec_load keyctl lookup_dcookie mbind mount move_pages name_to_handle_at open_by_handle_at pivot_root process_vm_readv process_vm_writev quotactl reboot request_key set_mempolicy setdomainname sethostname setns settimeofday swapoff swapon syslog umount2 unshare userfaultfd vhangup'.split(
    ' ',
  );

export interface PodPlace {
  /** For Container. Arguments are those of the manifest. */
  readonly options: Pick<
    ContainerOptions,
    'args' | 'capabilities' | 'forbidden' | 'readOnly' | 'noNewPrivileges' | 'mounts' | 'memoryLimitBytes'
  >;
  /** What stands for the hostPath volume of this name. */
  hostFolder(volume: string): string;
  /** Writes a ConfigMap anew, as the kubelet does: the link `..data` to another folder, in one step. */
  changeConfig(data: Readonly<Record<string, string>>): void;
}

/** Folders of the test's own in place of the node's; a BPF file system in place of /sys/fs/bpf. */
export function createPodPlace(t: TestContext, manifests: readonly Manifest[]): PodPlace {
  const pod = podSpecOf(manifests);
  const { args, securityContext, resources, volumeMounts } = onlyContainerOf(pod);
  const folder = temporaryFolder('xtrace-pod-');
  const config = createConfigVolume(
    path.join(folder, 'config'),
    manifestOf(manifests, 'ConfigMap').data ?? {},
  );
  const bpffs = mountBpffs(t);
  const hostFolder = (name: string): string => {
    const hostPath = pod.volumes.find((volume) => volume.name === name)?.hostPath?.path;
    if (hostPath === undefined) throw new Error(`no hostPath volume ${name}`);
    const [, below] = /^\/sys\/fs\/bpf\/(.+)$/.exec(hostPath) ?? [];
    return below === undefined ? path.join(folder, hostPath) : path.join(bpffs, below);
  };
  const mounts = volumeMounts.map(({ name, mountPath, readOnly = false }): ContainerMount => {
    const isConfig = pod.volumes.some((volume) => volume.name === name && volume.configMap !== undefined);
    const source = isConfig ? config.folder : hostFolder(name);
    mkdirSync(source, { recursive: true }); // DirectoryOrCreate
    return { source, target: mountPath, readOnly };
  });
  return {
    hostFolder,
    changeConfig: config.change,
    options: {
      args,
      capabilities: securityContext.capabilities.add.map((name) => `CAP_${name}`),
      forbidden: RUNTIME_DEFAULT_REFUSES,
      readOnly: securityContext.readOnlyRootFilesystem,
      noNewPrivileges: !securityContext.allowPrivilegeEscalation,
      mounts,
      memoryLimitBytes: parseQuantity(resources.limits.memory),
    },
  };
}

/** `folder/NAME -> ..data/NAME`, `folder/..data -> ..VERSION`. */
export function createConfigVolume(folder: string, data: Readonly<Record<string, string>>) {
  let version = 0;
  let before: string | undefined;
  const change = (files: Readonly<Record<string, string>>): void => {
    version++;
    const name = `..version_${version}`;
    mkdirSync(path.join(folder, name), { recursive: true });
    for (const [file, text] of Object.entries(files)) writeFileSync(path.join(folder, name, file), text);
    symlinkSync(name, path.join(folder, '..data_tmp'));
    renameSync(path.join(folder, '..data_tmp'), path.join(folder, '..data'));
    if (before !== undefined) rmSync(path.join(folder, before), { recursive: true });
    before = name;
  };
  change(data);
  for (const file of Object.keys(data)) symlinkSync(path.join('..data', file), path.join(folder, file));
  return { folder, change };
}
