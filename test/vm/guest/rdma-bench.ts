// SPDX-License-Identifier: Apache-2.0
// Two soft-RoCE devices and the built exporter on both ends of their wire and on a monitor port, for as
// many tests as want them: what takes longest in an emulated machine is starting. For tests only.

import assert from 'node:assert/strict';
import { after } from 'node:test';
import { type Exporter, startExporter } from '../../support/exporter/exporter.js';
import { start } from '../../support/processes.js';
import { createMirrorWire, MONITOR_PORT } from './mirror-leg.js';
import { createSoftRoce, type SoftRoce } from './soft-roce.js';

export type AttachMode = 'native' | 'generic';

export interface RoceBench {
  readonly roce: SoftRoce;
  readonly exporter: Exporter;
}

/**
 * For one test file. Makes what is asked for first, starts the exporter anew where the mode is another
 * than before, and ends everything after the file's last test.
 */
export function shareRoceBench(): (mode: AttachMode) => Promise<RoceBench> {
  let roce: Promise<SoftRoce> | undefined;
  let deleteMirrorWire: (() => void) | undefined;
  let running: { readonly mode: AttachMode; readonly exporter: Promise<Exporter> } | undefined;
  const stopExporter = async (): Promise<void> => {
    // One that never started has failed its tests already.
    const exporter = await running?.exporter.catch(() => undefined);
    running = undefined;
    const exit = await exporter?.stop();
    assert.equal(exit === undefined ? 0 : exit.code, 0, `how the exporter exits:\n${exporter?.child.stderr}`);
  };
  after(async () => {
    try {
      await stopExporter();
    } finally {
      deleteMirrorWire?.();
      (await roce?.catch(() => undefined))?.dispose();
    }
  });
  return async (mode) => {
    roce ??= createSoftRoce();
    const devices = await roce;
    deleteMirrorWire ??= createMirrorWire();
    if (running?.mode !== mode) {
      await stopExporter();
      running = { mode, exporter: startOn(devices, mode) };
    }
    return { roce: devices, exporter: await running.exporter };
  };
}

function startOn({ near, far }: SoftRoce, mode: AttachMode): Promise<Exporter> {
  return startExporter({
    namespace: { start },
    args: [
      `--interface=${near.device},${far.device},${MONITOR_PORT}`,
      '--interval=200',
      `--attach-mode=${mode}`,
    ],
    // No pair shall end while we compare.
    settings: { flows: { idle_timeout_ms: 3_600_000 } },
  });
}
