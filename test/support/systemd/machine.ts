// SPDX-License-Identifier: Apache-2.0
// A machine of systemd-nspawn, with systemd as its init and a network of its own: this machine's /usr under files
// of its own and what `make install` puts, or another system's files. For tests only; needs root.

import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { atEnd } from '../cleanup.js';
import { PROGRAM } from '../exporter/exporter.js';
import { type Child, run, start } from '../processes.js';
import { removeTraces } from './machine-traces.js';

export const ROOT = path.resolve(path.dirname(PROGRAM), '..');
const BOOT = path.join(ROOT, 'test', 'support', 'systemd', 'boot-machine');
/** Of this machine's, without which programs in there find no libraries, users or alternatives. */
const ETC = ['passwd', 'group', 'nsswitch.conf', 'ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'alternatives'];
const NODE = realpathSync(process.execPath);
/** The folder that node and npm are in; below /usr the machine has it anyway. */
export const NODE_PREFIX = path.dirname(path.dirname(NODE));
const CAPABILITIES = 'CAP_BPF,CAP_NET_ADMIN,CAP_PERFMON,CAP_SYS_ADMIN';
const STOP_LIMIT_MS = 30_000;
/** nspawn's: later systemds boot with nothing but the unified hierarchy, whatever this machine has. */
const CGROUPS = { UNIFIED_CGROUP_HIERARCHY: 'yes' };

/** Where a machine is made. */
interface Place {
  readonly folder: string;
  /** Its root directory, within the folder. */
  readonly root: string;
  /** Starts a program that ends with the machine. */
  startIn(command: string, args: readonly string[]): Child;
}

export interface Outcome {
  /** null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Machine {
  /** Its root directory, as seen from outside. /run, /tmp and /proc in there are its own. */
  readonly root: string;
  readonly #child: Child;
  readonly #leader: number;
  readonly #remove: () => Promise<void>;

  private constructor(made: { root: string; child: Child; leader: number; remove(): Promise<void> }) {
    this.root = made.root;
    this.#child = made.child;
    this.#leader = made.leader;
    this.#remove = made.remove;
  }

  /** @param suffix tells the machines of one test process apart. `bind`: folders that it sees as they are. */
  static async boot(suffix: string, { bind = [] as readonly string[] } = {}): Promise<Machine> {
    return await Machine.#bootFrom(suffix, async ({ root, startIn }) => {
      makeRoot(root);
      const installing = startIn(path.join(ROOT, 'scripts', 'install-files'), [root]);
      const { code } = await installing.exited;
      if (code !== 0) throw new Error(`install-files exited with ${code}:\n${installing.stderr}`);
      return [
        // What programs write below /usr goes to the machine's own; what they find there is this machine's.
        `--overlay=/usr:${path.join(root, 'usr')}:/usr`,
        ...(NODE_PREFIX.startsWith('/usr') ? [] : [`--bind-ro=${NODE_PREFIX}`]),
        ...bind.map((shared) => `--bind-ro=${shared}`),
      ];
    });
  }

  /** One with the files of the folder, which stay as they are: what it writes goes with it. */
  static async bootOn(
    base: string,
    suffix: string,
    { bind = [] as readonly string[] } = {},
  ): Promise<Machine> {
    return await Machine.#bootFrom(suffix, async ({ root, folder }) => {
      const [upper, work] = ['upper', 'work'].map((name) => path.join(folder, name));
      for (const made of [root, upper, work]) mkdirSync(made ?? '', { recursive: true });
      const layers = `lowerdir=${base},upperdir=${upper},workdir=${work}`;
      await run('mount', ['-t', 'overlay', '-o', layers, 'overlay', root]);
      return bind.map((shared) => `--bind-ro=${shared}`);
    });
  }

  /** `prepare` makes its root, and says what else nspawn is to be told. */
  static async #bootFrom(
    suffix: string,
    prepare: (place: Place) => Promise<readonly string[]>,
  ): Promise<Machine> {
    const name = `xt${process.pid}${suffix}`;
    const folder = mkdtempSync(path.join(os.tmpdir(), 'xtrace-machine-'));
    const root = path.join(folder, 'root');
    let child: Child | undefined;
    const removals: (() => void)[] = [];
    // After each start: where the test process ends early, the child ends before what it writes to goes.
    const startIn = (command: string, args: readonly string[]): Child => {
      child = start(command, args, { env: CGROUPS });
      removals.push(atEnd(() => removeTraces(name, { files: folder, root })));
      return child;
    };
    const remove = async (): Promise<void> => {
      await child?.stop('SIGTERM', STOP_LIMIT_MS); // nspawn asks systemd to shut down
      for (const removal of removals) removal();
    };
    try {
      const args = await prepare({ folder, root, startIn });
      const booting = startIn(BOOT, [
        name,
        `--directory=${root}`,
        ...args,
        '--private-network',
        `--capability=${CAPABILITIES}`,
        '--system-call-filter=bpf perf_event_open',
      ]);
      const leader = await booting.waitFor('systemd to begin', () => findLeader(booting.pid));
      const machine = new Machine({ root, child: booting, leader, remove });
      await booting.waitFor('systemd to have booted', async () =>
        /^(running|degraded)$/m.test((await machine.exec('systemctl', 'is-system-running')).stdout),
      );
      return machine;
    } catch (error) {
      await remove();
      throw error;
    }
  }

  /** What to put before a program of this machine to run it in that one's network. */
  get enterNetwork(): readonly string[] {
    return ['nsenter', `--target=${this.#leader}`, '--net', '--'];
  }

  /** Runs a command in there to its end, as root. Never rejects for how it ends. */
  async exec(...command: readonly string[]): Promise<Outcome> {
    const child = start('nsenter', [`--target=${this.#leader}`, '--all', '--root', '--wd', '--', ...command]);
    const { code } = await child.exited;
    await child.stop();
    return { code, stdout: child.stdout, stderr: child.stderr };
  }

  /** The same; rejects, with its output, unless it exits 0. Resolves with its stdout. */
  async run(...command: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.exec(...command);
    if (code !== 0) throw new Error(`${command.join(' ')} exited with ${code}:\n${stderr}${stdout}`);
    return stdout;
  }

  async show(unit: string, property: string): Promise<string> {
    return (await this.run('systemctl', 'show', '--value', `--property=${property}`, unit)).trim();
  }

  /** What its journal has of the unit. */
  async journal(unit: string): Promise<string> {
    return (await this.exec('journalctl', '--no-pager', '--output=cat', `--unit=${unit}`)).stdout;
  }

  /** A page of a server in there; undefined where none answers. */
  async page(url: string): Promise<string | undefined> {
    const [command = '', ...args] = [...this.enterNetwork, 'curl', '--silent', '--max-time', '5', url];
    const child = start(command, args);
    const { code } = await child.exited;
    await child.stop();
    return code === 0 ? child.stdout : undefined;
  }

  /** waitFor(); where the condition does not come true, the journal of the unit says why. */
  async until(what: string, unit: string, attempt: () => Promise<unknown>): Promise<void> {
    try {
      await this.#child.waitFor(what, async () => ((await attempt()) ? true : undefined), {
        intervalMs: 100,
      });
    } catch (error) {
      const status = (await this.exec('systemctl', 'status', '--no-pager', unit)).stdout;
      throw new Error(`${what}\n${status}\n${await this.journal(unit)}`, { cause: error });
    }
  }

  write(file: string, text: string, mode = 0o644): void {
    const outside = path.join(this.root, file);
    mkdirSync(path.dirname(outside), { recursive: true });
    writeFileSync(outside, text);
    chmodSync(outside, mode);
  }

  remove(file: string): void {
    rmSync(path.join(this.root, file), { recursive: true, force: true });
  }

  /** May be called twice. */
  async stop(): Promise<void> {
    await this.#remove();
  }
}

function makeRoot(root: string): void {
  const folders = [
    'etc/systemd/system',
    'usr/lib',
    'usr/local/bin',
    'var',
    'opt',
    'run',
    'tmp',
    'proc',
    'sys',
    'dev',
  ];
  for (const folder of [...folders, 'root']) mkdirSync(path.join(root, folder), { recursive: true });
  for (const name of ['bin', 'sbin', 'lib', 'lib32', 'lib64']) {
    if (existsSync(`/usr/${name}`)) symlinkSync(`usr/${name}`, path.join(root, name));
  }
  for (const name of ETC.filter((one) => existsSync(path.join('/etc', one)))) {
    cpSync(path.join('/etc', name), path.join(root, 'etc', name), {
      recursive: true,
      verbatimSymlinks: true,
    });
  }
  // nspawn looks for it before anything is mounted.
  cpSync(realpathSync('/etc/os-release'), path.join(root, 'usr/lib/os-release'));
  // One that is set up: systemd would enable every service that it finds at a first boot.
  writeFileSync(path.join(root, 'etc/machine-id'), `${'5'.repeat(32)}\n`);
  // No more than what every unit has before it.
  symlinkSync('/usr/lib/systemd/system/basic.target', path.join(root, 'etc/systemd/system/default.target'));
  // This very node, wherever it lives.
  if (path.dirname(NODE) !== '/usr/local/bin') symlinkSync(NODE, path.join(root, 'usr/local/bin/node'));
}

/** systemd as seen from here, once the child of nspawn has become it. */
function findLeader(nspawn: number): number | undefined {
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [, comm, parent] = /^\d+ \((.*)\) \S (\d+)/s.exec(stat) ?? [];
      if (comm === 'systemd' && Number(parent) === nspawn) return Number(name);
    } catch {
      // It has ended meanwhile.
    }
  }
  return undefined;
}
