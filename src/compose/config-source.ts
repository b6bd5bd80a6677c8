// SPDX-License-Identifier: Apache-2.0
// Where the configuration of a running exporter comes from, again and again: the command line and the environment
// of its start, and the file as it is now.

import type { Config } from '../config/config.js';
import { CONFIG_FILE_MAX_BYTES } from '../config/config-file.js';
import { type ConfigSources, resolveConfig } from '../config/resolve-config.js';
import { ConfigError } from '../errors.js';
import { readSettledFile } from '../system/settled-file.js';
import { checkWebFile, type WebRulesLine } from './connect-listeners.js';

export interface ConfigSource {
  /** undefined: there is none, and what the start was given is all. */
  readonly file: string | undefined;
  /** Of the file. Rejects with an Error whose message is a clause about it. */
  readContents(): Promise<Uint8Array>;
  /** Rejects with ConfigError, or an Error of one sentence. */
  read(): Promise<Config>;
}

export function createConfigSource(
  { argv, env }: Pick<ConfigSources, 'argv' | 'env'>,
  file: string | undefined,
): ConfigSource {
  const readContents = (): Promise<Uint8Array> =>
    readSettledFile(file ?? '', { mostBytes: CONFIG_FILE_MAX_BYTES + 1 });
  return {
    file,
    readContents,
    async read() {
      let contents: Uint8Array = new Uint8Array();
      let problem: unknown;
      if (file !== undefined) {
        try {
          contents = await readContents();
        } catch (error) {
          problem = error;
        }
      }
      const resolution = resolveConfig({
        argv,
        env,
        readFile() {
          if (problem !== undefined) throw problem;
          return contents;
        },
      });
      if (resolution.action !== 'run') throw new Error(`it was started to ${resolution.action}`);
      await checkWebFile(resolution.config);
      return resolution.config;
    },
  };
}

/** As it is now, the web configuration file with it, which is gone by from then on. Rejects as read(). */
export async function readAnew(
  source: Pick<ConfigSource, 'read'>,
  webFile: Pick<WebRulesLine, 'lookNow'> | undefined,
): Promise<Config> {
  const config = await source.read();
  const problems = (await webFile?.lookNow()) ?? [];
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}
