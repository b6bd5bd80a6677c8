// SPDX-License-Identifier: Apache-2.0
// The environment variables that are settings: text -> the settings they give. Values are not
// judged here.

import { type Layer, setInLayer } from './layer.js';
import { parseBooleanText, parseListText } from './value-text.js';

export type Environment = Readonly<Record<string, string | undefined>>;

interface Variable {
  readonly name: string;
  /** Dotted path of the setting. */
  readonly setting: string;
  readonly doc: string;
  parse(text: string): unknown;
}

const asText = (text: string): string => text;

export const VARIABLES: readonly Variable[] = [
  {
    name: 'NETWORK_INTERFACE',
    setting: 'interfaces',
    doc: 'as -i: interface names and patterns, by commas',
    parse: parseListText,
  },
  {
    name: 'VICTORIAMETRICS_ENABLED',
    setting: 'push.enabled',
    doc: 'push metrics: true or 1',
    parse: parseBooleanText,
  },
  {
    name: 'VICTORIAMETRICS_REMOTE_WRITE',
    setting: 'push.url',
    doc: 'where to push them',
    parse: asText,
  },
  {
    name: 'COLLECT_AGG',
    setting: 'collect_agg',
    doc: 'free label that tells clusters or nodes apart',
    parse: asText,
  },
];

export interface EnvironmentLayer {
  readonly layer: Layer;
  /** Variable that gave each setting, by dotted path. */
  readonly names: ReadonlyMap<string, string>;
}

/** An empty or blank variable counts as not set: compose files and units leave them so. */
export function readEnvironment(env: Environment): EnvironmentLayer {
  const layer: Layer = {};
  const names = new Map<string, string>();
  for (const variable of VARIABLES) {
    const text = env[variable.name]?.trim() ?? '';
    if (text === '') continue;
    setInLayer(layer, variable.setting, variable.parse(text));
    names.set(variable.setting, variable.name);
  }
  return { layer, names };
}
