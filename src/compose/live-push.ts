// SPDX-License-Identifier: Apache-2.0
// Pushing while its configuration changes: another receiver, other labels, or none. What waits to be sent
// stays with what is to send it.

import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.js';
import type { ExpositionInput } from '../exposition/render-exposition.js';
import type { Logger } from '../log.js';
import type { Family } from '../metrics/definition.js';
import type { FlowLabelOptions } from '../metrics/flow-label-fields.js';
import type { encoderOptions, PushLine } from './connect-push.js';
import { loadLatePart } from './late-part.js';

type PushParts = typeof import('./connect-push.js');

export interface LivePushParts {
  /** As it is now. */
  config(): Config;
  /** As they are now. */
  flowLabels(): FlowLabelOptions;
  readonly version: string;
  /** Of the process, wall clock. */
  readonly startedMs: number;
  /** Of /metrics, for the label instance. */
  readonly port: number;
  readonly log: Logger;
}

export class LivePush {
  readonly #parts: LivePushParts;
  #line: PushLine | undefined;
  #config: Config;

  private constructor(parts: LivePushParts, line: PushLine | undefined) {
    this.#parts = parts;
    this.#line = line;
    this.#config = parts.config();
  }

  /** Rejects with ExporterError SPOOL where the spool cannot be used, and PROGRAM_REPLACED as loadFor(). */
  static async open(parts: LivePushParts): Promise<LivePush> {
    return new LivePush(parts, await open(parts));
  }

  get line(): PushLine | undefined {
    return this.#line;
  }

  /**
   * Before a configuration counts: what it needs of the program is loaded, as the files may be others by now. Rejects with
   * ExporterError PROGRAM_REPLACED where they are gone.
   */
  async loadFor({ push }: Pick<Config, 'push'>): Promise<void> {
    if (push.enabled) await loadPush();
  }

  families(): readonly Family[] {
    return this.#line?.families() ?? [];
  }

  /**
   * Within the guard, after the configuration has changed. snapshot: what is shown now; of it, what was pushed
   * under the same labels goes on. hasNewFlowLabels: flows begin anew. Rejects as open() does; nothing is pushed then.
   */
  async reconfigure(
    snapshot: () => Promise<ExpositionInput>,
    { hasNewFlowLabels }: { readonly hasNewFlowLabels: boolean },
    closeLimitMs: number,
  ): Promise<void> {
    const before = this.#config;
    const config = this.#parts.config();
    this.#config = config;
    const line = this.#line;
    if (line === undefined) {
      this.#line = await open(this.#parts);
      return;
    }
    if (!config.push.enabled) {
      this.#line = undefined;
      await line.close(closeLimitMs);
      return;
    }
    const { flowLabels, version, startedMs, port, log } = this.#parts;
    const options = { config, version, startedMs, flowLabels: flowLabels(), port };
    const { encoderOptions, openConfiguredPusher } = await loadPush();
    const encoderIdentity = (of: Config): object => identityOf(encoderOptions({ config: of, port }));
    const isEncodedAlike =
      !hasNewFlowLabels &&
      isDeepStrictEqual(encoderIdentity(before), encoderIdentity(config)) &&
      before.flows.newSeries === config.flows.newSeries;
    if (!isEncodedAlike) await line.encodeAs(options, await snapshot());
    if (isDeepStrictEqual(before.push, config.push)) return;
    try {
      await line.sendBy((former) => openConfiguredPusher(options, { log, former }));
    } catch (error) {
      this.#line = undefined;
      throw error;
    }
  }
}

async function open({
  config: currentConfig,
  flowLabels,
  version,
  startedMs,
  port,
  log,
}: LivePushParts): Promise<PushLine | undefined> {
  const config = currentConfig();
  if (!config.push.enabled) return undefined;
  const { connectPush } = await loadPush();
  return connectPush({ config, version, startedMs, flowLabels: flowLabels(), port }, { log });
}

/** Queue, spool, encoders and the addon that compresses: for those alone who push. */
function loadPush(): Promise<PushParts> {
  return loadLatePart('pushing', () => import('./connect-push.js'));
}

/** All but the labels of flows. */
function identityOf({
  format,
  externalLabels,
  maxSamplesPerBatch,
}: ReturnType<typeof encoderOptions>): object {
  return { format, externalLabels, maxSamplesPerBatch };
}
