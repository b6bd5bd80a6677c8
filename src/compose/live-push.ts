// SPDX-License-Identifier: Apache-2.0
// Pushing while its configuration changes: another receiver, other labels, or none. What waits to be sent
// stays with what is to send it.

import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.js';
import type { ExpositionInput } from '../exposition/render-exposition.js';
import type { Logger } from '../log.js';
import type { Family } from '../metrics/definition.js';
import type { FlowLabelOptions } from '../metrics/flow-label-fields.js';
import { connectPush, encoderOptions, openConfiguredPusher, type PushLine } from './connect-push.js';

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

  /** Rejects with ExporterError SPOOL where the spool cannot be used. */
  static async open(parts: LivePushParts): Promise<LivePush> {
    return new LivePush(parts, await open(parts));
  }

  get line(): PushLine | undefined {
    return this.#line;
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
    const isEncodedAlike =
      !hasNewFlowLabels &&
      isDeepStrictEqual(encoderIdentity(before, port), encoderIdentity(config, port)) &&
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

function open({
  config,
  flowLabels,
  version,
  startedMs,
  port,
  log,
}: LivePushParts): Promise<PushLine | undefined> {
  return connectPush({ config: config(), version, startedMs, flowLabels: flowLabels(), port }, { log });
}

/** All but the labels of flows. */
function encoderIdentity(config: Config, port: number): object {
  const { format, externalLabels, maxSamplesPerBatch } = encoderOptions({ config, port });
  return { format, externalLabels, maxSamplesPerBatch };
}
