// SPDX-License-Identifier: Apache-2.0
// What the running exporter is given, and what it does; exporter.ts puts it together.

import type { Config, ReloadConfig } from '../config/config.js';
import type { BuildInfo } from '../config/version.js';
import type { Logger } from '../log.js';
import type { ConfigSource } from './config-source.js';
import type { SystemdNotifier } from './notify-systemd.js';
import type { ReloadOutcome } from './reload.js';

export interface ExporterOptions {
  readonly config: Config;
  readonly reload: ReloadConfig;
  readonly build: BuildInfo;
  /** flow.bpf.o as built. */
  readonly objectPath: string;
  /** Of the live page's files. */
  readonly pageFolder: string;
  /** flow-portable.bpf.o as built. */
  readonly portableObjectPath: string;
}

export interface ExporterParts {
  readonly log: Logger;
  readonly stdout: NodeJS.WriteStream;
  readonly systemd: SystemdNotifier;
  /** Since the start. */
  droppedLogLines(): number;
  /** Where the configuration can be read again. */
  readonly source: ConfigSource;
  /** The file as it was at the start. */
  readonly fileContents: Uint8Array | undefined;
  /** Another configuration is in force. */
  onConfigured(config: Config): void;
}

export interface Exporter {
  /** @throws ExporterError (rejects) with one sentence; nothing is left behind then. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Never rejects; what came of it is told to the log, too. cause: who asks, for the log. */
  reload(cause: string): Promise<ReloadOutcome>;
}
