// SPDX-License-Identifier: Apache-2.0
// The container image, built by buildah from the Dockerfile as it is. What the build needs of this machine,
// such as its npm registry and certificates, is mounted into it. For tests only.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { atEnd } from '../cleanup.js';
import { run } from '../processes.js';
import { temporaryFolder } from '../temporary-folder.js';
import { PROGRAM } from './exporter.js';
import { findNodeVersion, type NodeMajor } from './node-version.js';

const ROOT = path.resolve(path.dirname(PROGRAM), '..');
/** Kept between runs for the sake of the base image; git ignores it. */
const STORAGE = path.join(ROOT, '.image', 'storage');
const IN_STORAGE = ['--root', STORAGE, '--runroot', path.join(STORAGE, 'run'), '--storage-driver', 'vfs'];
const LIMIT_S = 1200;

/** What an engine takes from an image to run it. */
export interface ImageConfig {
  readonly Entrypoint: readonly string[];
  readonly Env: readonly string[];
  readonly WorkingDir: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Healthcheck: { readonly Test: readonly string[]; readonly Timeout: number };
}

export interface BuiltImage {
  /** As the engine names it, tag and all. */
  readonly name: string;
  readonly config: ImageConfig;
  /** Its files. */
  readonly rootfs: string;
  /** As buildah says it: `400 MB`. */
  readonly size: string;
  readonly baseSize: string;
}

/** Both go when the test process ends, or with removeImage(): the image, and the files of it that a container may change. */
export async function buildImage(buildArgs: Readonly<Record<string, string>>): Promise<BuiltImage> {
  const base = await makeBase();
  const image = `localhost/xtrace-catch-test:${process.pid}`;
  const args = Object.entries(buildArgs).map(([name, value]) => `--build-arg=${name}=${value}`);
  const mounts = mountsOfMachine().map((mount) => `--volume=${mount}`);
  const how = ['--isolation=chroot', '--format=docker', '--pull=never', ...args, ...mounts];
  atEnd(() => removeImage({ name: image }));
  await buildah('build-using-dockerfile', ...how, `--tag=${image}`, ROOT);
  await buildah('from', '--pull=never', `--name=${containerOf(image)}`, image);
  return describeImage(image, base);
}

/** The same program under another revision, as the next build of it is: another image, which goes likewise. */
export async function buildNextImage(former: BuiltImage, revision: string): Promise<BuiltImage> {
  const image = `${former.name}-${revision}`;
  const container = containerOf(image);
  atEnd(() => removeImage({ name: image }));
  await buildah('from', '--pull=never', `--name=${container}`, former.name);
  const rootfs = await buildah('mount', container);
  const file = path.join(rootfs, 'opt/xtrace-catch/dist/build-info.json');
  const info = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  writeFileSync(file, JSON.stringify({ ...info, revision }));
  await buildah('commit', '--quiet', '--format=docker', container, image);
  return describeImage(image, former.name);
}

/** With the files that containers ran on. */
export function removeImage({ name }: Pick<BuiltImage, 'name'>): void {
  remove('rm', containerOf(name));
  remove('rmi', name);
}

/** Names of all images that are there. */
export async function imageNames(): Promise<readonly string[]> {
  return (await buildah('images', '--format={{.Name}}:{{.Tag}}')).split('\n');
}

/** Whose files containers run on. */
function containerOf(image: string): string {
  return image.replace(/^localhost\//, '').replace(':', '-');
}

async function describeImage(name: string, base: string): Promise<BuiltImage> {
  const { Docker } = JSON.parse(await buildah('inspect', '--type=image', name)) as {
    Docker: { config: ImageConfig };
  };
  return {
    name,
    config: Docker.config,
    rootfs: await buildah('mount', containerOf(name)),
    size: await sizeOf(name),
    baseSize: await sizeOf(base),
  };
}

/** Makes the image that the Dockerfile starts from, where it is not kept; resolves with its name. */
async function makeBase(): Promise<string> {
  const dockerfile = readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8');
  const [, name = '', major, suite = ''] = /^FROM (node:(\d+)-(\w+)-slim)$/m.exec(dockerfile) ?? [];
  const image = `docker.io/library/${name}`;
  const { prefix, npmPackage } = findNodeVersion(major as NodeMajor);
  const script = path.join(ROOT, 'test', 'image', 'make-base');
  await run('timeout', [String(LIMIT_S), script, STORAGE, image, suite, prefix, npmPackage]);
  return image;
}

async function sizeOf(image: string): Promise<string> {
  return (await buildah('images', '--format={{.Size}}', image)).split('\n')[0] ?? '';
}

async function buildah(...args: readonly string[]): Promise<string> {
  const { stdout } = await run('timeout', [String(LIMIT_S), 'buildah', ...IN_STORAGE, ...args]);
  return stdout.trim();
}

/** What is not there, as the build failed, is gone as well. */
function remove(...args: readonly string[]): void {
  spawnSync('buildah', [...IN_STORAGE, ...args], { stdio: 'ignore' });
}

/** Files of this machine, as `source:target:options`, that lead npm and apt to its registries. */
function mountsOfMachine(): string[] {
  const folder = temporaryFolder('xtrace-image-');
  const mounts: string[] = [];
  const mount = (source: string, target: string) => mounts.push(`${source}:${target}:ro`);
  const write = (name: string, lines: readonly string[], target: string): void => {
    if (lines.length === 0) return;
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, name), `${lines.join('\n')}\n`);
    mount(path.join(folder, name), target);
  };

  const text = execFileSync('npm', ['config', 'list', '--json'], { cwd: '/', encoding: 'utf8' });
  const npm = JSON.parse(text) as Readonly<Record<string, unknown>>;
  const settings = ['registry', 'proxy', 'https-proxy', 'strict-ssl']
    .filter((name) => npm[name] !== null && npm[name] !== undefined)
    .map((name) => `${name}=${String(npm[name])}`);
  const certificates = npm['cafile'] ?? process.env['NODE_EXTRA_CA_CERTS'];
  if (typeof certificates === 'string') {
    mount(certificates, '/etc/npm-certificates.crt');
    settings.push('cafile=/etc/npm-certificates.crt');
  }
  write('npmrc', settings, '/usr/local/etc/npmrc');

  const apt = execFileSync('apt-config', ['dump', '--format=%F "%v";%n', 'Acquire'], { encoding: 'utf8' });
  const lines = apt.split('\n').filter((line) => /^Acquire::(https?::(Proxy|CAInfo)|Check-)/.test(line));
  write('apt.conf', lines, '/etc/apt/apt.conf.d/99-this-machine');
  for (const [, file = ''] of lines.join('\n').matchAll(/CAInfo "([^"]+)"/g)) mount(file, file);
  return mounts;
}
