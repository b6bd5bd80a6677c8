// SPDX-License-Identifier: Apache-2.0
// Reloading, wired: what is read, what it changes, and who asks for it.

import { systemClock } from '../clock.js';
import type { ReloadConfig } from '../config/config.js';
import { AutoReload } from './auto-reload.js';
import { type ConfigSource, readAnew } from './config-source.js';
import type { WebRulesLine } from './connect-listeners.js';
import type { ExporterParts } from './exporter-contract.js';
import { type ReconfigureParts, reconfigure } from './reconfigure.js';
import { Reloader, type ReloaderParts } from './reload.js';

export function connectReloader(
  parts: ReconfigureParts & {
    readonly source: ConfigSource;
    readonly webFile: WebRulesLine | undefined;
    readonly systemd: ReloaderParts['systemd'];
  },
): Reloader {
  const { live, source, webFile, systemd, selfMetrics, log, clock } = parts;
  return new Reloader({
    readConfig: () => readAnew(source, webFile),
    currentConfig: () => live.current,
    apply: (config) => reconfigure(config, parts),
    onDone: (succeeded) => selfMetrics.recordReload(succeeded, clock.wallMs()),
    systemd,
    nowMs: clock.nowMs,
    log,
  });
}

/** Where that is wanted, until the returned function is called. */
export function followFile(
  { autoReloadMs }: ReloadConfig,
  reloader: Reloader,
  { source, fileContents, log }: Pick<ExporterParts, 'source' | 'fileContents' | 'log'>,
): () => void {
  if (autoReloadMs === undefined || source.file === undefined) return () => undefined;
  const auto = new AutoReload(autoReloadMs, fileContents, {
    readContents: () => source.readContents(),
    reload: () => reloader.reload('the configuration file has changed'),
    clock: systemClock(),
    log,
  });
  return () => auto.stop();
}
