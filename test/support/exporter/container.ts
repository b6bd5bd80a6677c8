// SPDX-License-Identifier: Apache-2.0
// A container as docker runs it, by runc: the image's entrypoint, environment and health check, in
// namespaces of its own but for the network's, which is given, with the capabilities that are given. For
// tests only.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { atEnd } from '../cleanup.js';
import type { Namespace } from '../kernel/namespace.js';
import { type Child, type Exit, start } from '../processes.js';
import type { BuiltImage } from './image-builder.js';

export interface ContainerOptions {
  readonly image: BuiltImage;
  readonly namespace: Namespace;
  /** Of the entrypoint. */
  readonly args: readonly string[];
  /** All that it has, as `CAP_BPF`. */
  readonly capabilities: readonly string[];
  /** System calls that fail with EPERM, as by docker's seccomp profile. Default none. */
  readonly forbidden?: readonly string[];
  /** Added to the image's, as `NAME=value`. */
  readonly env?: readonly string[];
  /** Its root file system takes no writing. Default false. */
  readonly readOnly?: boolean;
  /** No program that it starts gets more than it has. Default false. */
  readonly noNewPrivileges?: boolean;
  readonly mounts?: readonly ContainerMount[];
  /** Of its control group, with what it has in the kernel's maps. Default: no limit. */
  readonly memoryLimitBytes?: number;
}

/** A folder or a file of this machine in it. */
export interface ContainerMount {
  readonly source: string;
  readonly target: string;
  readonly readOnly?: boolean;
}

/** What its control group says, in bytes. */
export interface ContainerMemory {
  readonly now: number;
  readonly most: number;
}

/** Starts at once; gone after stop(), or at the end of the test process. */
export class Container {
  /** runc, which passes signals on, ends as the container does, and has its output. */
  readonly child: Child;
  readonly #id: string;
  readonly #image: BuiltImage;
  readonly #remove: () => void;
  readonly #state: readonly string[];

  constructor(options: ContainerOptions) {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'xtrace-container-'));
    const bundle = path.join(folder, 'bundle');
    this.#id = path.basename(folder);
    this.#image = options.image;
    this.#state = ['--root', path.join(folder, 'state')];
    mkdirSync(bundle);
    writeFileSync(path.join(bundle, 'config.json'), JSON.stringify(specOf(options)));
    this.#remove = atEnd(() => {
      execFileSync('runc', [...this.#state, 'delete', '--force', this.#id], { stdio: 'ignore' });
      rmSync(folder, { recursive: true, force: true });
    });
    this.child = start('runc', [...this.#state, 'run', '--bundle', bundle, this.#id]);
  }

  /** Runs a command in it, for so long; resolves with the exit code, 124 where the time was not enough. */
  async exec(command: readonly string[], limitS = 60): Promise<{ code: number | null; stdout: string }> {
    const exec = ['runc', ...this.#state, 'exec', this.#id, ...command];
    const child = start('timeout', [String(limitS), ...exec]);
    const { code } = await child.exited;
    await child.stop();
    return { code, stdout: child.stdout };
  }

  memory(): ContainerMemory {
    const text = execFileSync('runc', [...this.#state, 'events', '--stats', this.#id], { encoding: 'utf8' });
    const { data } = JSON.parse(text) as { data: { memory: { usage: { usage: number; max?: number } } } };
    const { usage, max = usage } = data.memory.usage;
    return { now: usage, most: max };
  }

  /** What the image's HEALTHCHECK says, asked as docker asks: 0 is healthy. */
  async checkHealth(): Promise<number | null> {
    const { Test, Timeout } = this.#image.config.Healthcheck;
    const [kind, ...command] = Test;
    if (kind !== 'CMD') throw new Error(`the health check is ${kind}, not CMD`);
    return (await this.exec(command, Timeout / 1e9)).code;
  }

  /** Of its first process, as this machine has it. */
  get pid(): number {
    const state = execFileSync('runc', [...this.#state, 'state', this.#id], { encoding: 'utf8' });
    return (JSON.parse(state) as { pid: number }).pid;
  }

  /** Sends a signal to its first process; runc could not pass on a SIGSTOP. */
  kill(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  async stop(): Promise<Exit> {
    const exit = await this.child.stop();
    this.#remove();
    return exit;
  }
}

/** https://github.com/opencontainers/runtime-spec/blob/main/config.md, as docker fills it in, less most of its seccomp profile. */
function specOf(options: ContainerOptions): unknown {
  const { image, namespace, args, capabilities, forbidden = [], env = [] } = options;
  const { readOnly = false, noNewPrivileges = false, mounts = [], memoryLimitBytes } = options;
  const { Entrypoint, Env, WorkingDir } = image.config;
  const hardened = ['nosuid', 'noexec', 'nodev'];
  return {
    ociVersion: '1.0.2',
    process: {
      user: { uid: 0, gid: 0 },
      args: [...Entrypoint, ...args],
      env: [...Env, ...env],
      cwd: WorkingDir,
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges,
    },
    root: { path: image.rootfs, readonly: readOnly },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...hardened, 'ro'] },
      ...mounts.map(({ source, target, readOnly: isReadOnly = false }) => ({
        destination: target,
        type: 'bind',
        source,
        options: ['rbind', 'rprivate', isReadOnly ? 'ro' : 'rw'],
      })),
    ],
    linux: {
      ...(memoryLimitBytes !== undefined && { resources: { memory: { limit: memoryLimitBytes } } }),
      ...(forbidden.length > 0 && { seccomp: seccompOf(forbidden) }),
      namespaces: [
        { type: 'pid' },
        { type: 'mount' },
        { type: 'ipc' },
        { type: 'network', path: `/run/netns/${namespace.name}` },
      ],
    },
  };
}

function seccompOf(names: readonly string[]): unknown {
  const EPERM = 1;
  return {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names, action: 'SCMP_ACT_ERRNO', errnoRet: EPERM }],
  };
}
