// SPDX-License-Identifier: Apache-2.0
// The doctor, wired: one look at this host in, the text to print and the verdict out. Attaches nothing
// unless a probe is asked for, and leaves nothing behind.

import { release } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../clock.js';
import type { Config, DoctorConfig } from '../config/config.js';
import type { LibbpfFacts } from '../doctor/facts.js';
import { gatherFacts } from '../doctor/gather.js';
import { judgeFacts } from '../doctor/judge.js';
import { renderDiagnosisJson } from '../doctor/render-json.js';
import { renderDiagnosis } from '../doctor/render-text.js';
import { attachXdp } from '../kernel/attach.js';
import { readMissingCapabilities } from '../kernel/capabilities.js';
import { type Libbpf, openLibbpf, openLibc } from '../kernel/ffi.js';
import { openXdpFeatures } from '../kernel/host-facts/xdp-features.js';
import { loadKernelObject } from '../kernel/load.js';
import { openNetdev } from '../kernel/netdev.js';
import { queryXdp } from '../kernel/xdp-query.js';
import type { RdmaAnswer, RdmaQuestion } from '../rdma/answers.js';
import { createIsolatedReader } from '../rdma/isolated-reader.js';
import { createRdmaReader, type RdmaReader } from '../rdma/port-reader.js';
import { READER_LIMITS } from '../rdma/rounds.js';
import { startRdmaReader } from '../rdma/start-reader.js';
import { framingOf } from '../system/framing.js';
import { readHostLimits } from '../system/host-limits.js';
import { listInterfaces } from '../system/interfaces.js';
import { isSysfsOf, readNetdevRole } from '../system/netdev-role.js';
import { createInterfaceChoice } from './choose-interfaces.js';
import { loadOptionsOf } from './connect-kernel.js';
import { namesOfPatterns } from './interface-meanings.js';

const ROOT = { root: '/' } as const;
const SILENT = { info: () => undefined, warn: () => undefined } as const;

export interface DoctorOptions {
  readonly config: Config;
  readonly doctor: DoctorConfig;
  readonly version: string;
  readonly objectPath: string;
  readonly portableObjectPath: string;
}

/** Throws KernelError where not even a socket can be opened. */
export async function runDoctor(
  options: DoctorOptions,
): Promise<{ readonly text: string; readonly willWork: boolean }> {
  const { config, doctor } = options;
  const { sysfsPath } = config.rdma;
  const clock = systemClock();
  const libc = openLibc();
  const { libbpf, libbpfFacts } = tryLibbpf();
  const netdev = openNetdev(libc);
  const features = openXdpFeatures(libc);
  const chosen = createInterfaceChoice(config, { netdev })?.();
  const isolated = createIsolatedReader<RdmaQuestion, RdmaAnswer>(READER_LIMITS, {
    start: () => startRdmaReader(sysfsPath),
    clock,
  });
  let reader: RdmaReader | undefined;
  try {
    const facts = await gatherFacts(
      {
        version: options.version,
        wanted: {
          attachMode: config.attachMode,
          decapMirror: config.roce.decapMirror,
          readsRdma: config.rdma.enabled,
        },
        configured: chosen === undefined ? namesOfPatterns(config.interfaces) : [chosen.name],
        kernelRelease: release(),
        sysfsPath,
        waitMs: doctor.waitMs,
        probe: doctor.probe,
      },
      {
        limits: readHostLimits(ROOT),
        missingCapabilities: readMissingCapabilities(ROOT),
        libbpf: libbpfFacts,
        listInterfaces: () => listInterfaces(ROOT, { netdev }),
        load: () => loadKernelObject({ ...loadOptionsOf(config, options), isWhole: true }),
        attach(object, { index, name, linkType }) {
          const { framing, sentence } = framingOf(linkType, name);
          if (framing === undefined) return { attached: false, failures: [], sentence };
          return attachXdp({ object, ifindex: index, interfaceName: name, framing, mode: config.attachMode });
        },
        incumbentOf: (index) => libbpf && queryXdp({ libbpf, libc }, index).incumbent,
        xdpFeaturesOf: (index) => features.read(index),
        roleOf: (name) => readNetdevRole({ sysfsPath }, name),
        isSysfsOf: (interfaces) => isSysfsOf({ sysfsPath }, interfaces),
        readRdma(interfaces) {
          reader ??= createRdmaReader({ sysfsPath, interfaces }, { isolated, clock, log: SILENT });
          return reader.read();
        },
        nowMs: clock.nowMs,
        sleep: (delayMs) => sleep(delayMs),
      },
    );
    const diagnosis = judgeFacts(facts);
    const render = doctor.json ? renderDiagnosisJson : renderDiagnosis;
    return { text: render(facts, diagnosis), willWork: diagnosis.willWork };
  } finally {
    isolated.close();
    features.close();
    netdev.close();
  }
}

function tryLibbpf(): { libbpf: Libbpf | undefined; libbpfFacts: LibbpfFacts } {
  try {
    const libbpf = openLibbpf();
    const version = (libbpf.libbpf_version_string() ?? '').replace(/^v/, '');
    return { libbpf, libbpfFacts: { version } };
  } catch (error) {
    const sentence = error instanceof Error ? error.message : String(error);
    return { libbpf: undefined, libbpfFacts: { sentence } };
  }
}
