// SPDX-License-Identifier: Apache-2.0
// The one place that knows convict, which lays the sources over each other and refuses what is not
// declared.

import convict from 'convict';
import type { ConfigProblem } from '../errors.js';
import type { Layer } from './layer.js';
import type { Rule } from './rules.js';
import {
  type ConfigOf,
  configOf,
  isMappingSetting,
  isSetting,
  type Setting,
  type SettingsSection,
} from './settings-tree.js';

export type Merged<Section> =
  | { readonly config: ConfigOf<Section> }
  /** All of them; paths are those of the settings. */
  | { readonly problems: readonly ConfigProblem[] };

/** Lays the layers over the defaults, later ones on top, and has every value judged by its rule, once. */
export function mergeLayers<Section extends SettingsSection>(
  settings: Section,
  layers: readonly Layer[],
): Merged<Section> {
  // A named format without a coercion: convict's own types would turn "banana" into true. The
  // registry is convict's; adding the same entry again changes nothing.
  convict.addFormat({ name: 'checked', validate: (value: unknown, schema) => schema['check'](value) });
  const problems: ConfigProblem[] = [];
  const accepted = new Map<string, unknown>();
  const judge: Judge = (path, rule, value) => {
    const judgement = rule(value);
    if ('value' in judgement) {
      accepted.set(path, judgement.value);
      return;
    }
    problems.push({ path, message: judgement.problem });
    throw new Error(judgement.problem);
  };
  const merged = convict(buildSchema(settings, '', judge), { env: {}, args: [] });
  for (const layer of layers) merged.load(layer);
  try {
    merged.validate({ allowed: 'strict' });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (problems.length === 0) problems.push({ path: 'configuration', message });
  }
  return problems.length > 0 ? { problems } : { config: configOf(settings, (path) => accepted.get(path)) };
}

type Judge = (path: string, rule: Rule<unknown>, value: unknown) => void;

function buildSchema(section: SettingsSection, prefix: string, judge: Judge): convict.Schema<object> {
  const entries = Object.entries(section).map(([key, node]) => {
    const path = prefix + key;
    const schema = isSetting(node)
      ? {
          default: defaultOf(node),
          format: 'checked',
          check: (value: unknown) => judge(path, node.rule, value),
        }
      : buildSchema(node, `${path}.`, judge);
    return [key, schema] as const;
  });
  return Object.fromEntries(entries);
}

/** convict takes a mapping for a section: it gets the list of entries instead. */
function defaultOf(setting: Setting): unknown {
  return isMappingSetting(setting) ? Object.entries(setting.default) : setting.default;
}
