// SPDX-License-Identifier: Apache-2.0
// What a declaration of settings is made of, and the form that the program has of it: the same tree
// with keys in camelCase and, in place of each setting, what its rule accepted. Once as a type,
// ConfigOf, and once as a walk, configOf(). Knows no setting by name.

import { oneOf, type Rule } from './rules.js';

/** T: what the program works with. */
export interface Setting<T = unknown> {
  /** As a file would give it: the rule judges it, too. */
  readonly default: unknown;
  readonly rule: Rule<T>;
}

/** A setting of one word; the file and the program spell it alike. */
export interface WordSetting<Word extends string> extends Setting<Word> {
  readonly words: readonly Word[];
}

/** A mapping of names to texts, empty at first, whose rule judges the list of its entries. */
export interface MappingSetting<T = unknown> extends Setting<T> {
  readonly default: Readonly<Record<string, string>>;
  readonly isMapping: true;
}

/** Settings and further sections, by their keys in the file. */
export interface SettingsSection {
  readonly [key: string]: SettingNode;
}
export type SettingNode = Setting | SettingsSection;

export function setting<T>(value: NoInfer<T>, rule: Rule<T>): Setting<T> {
  return { default: value, rule };
}

/** For text of which the rule makes something else. */
export function parsedText<T>(text: string, rule: Rule<T>): Setting<T> {
  return { default: text, rule };
}

/** `const`, or the words would be any text to the compiler. */
export function oneWord<const Word extends string>(
  word: NoInfer<Word>,
  words: readonly Word[],
): WordSetting<Word> {
  return { default: word, words, rule: oneOf(words) };
}

export function mapping<T>(rule: Rule<T>): MappingSetting<T> {
  return { default: {}, isMapping: true, rule };
}

export function isSetting(node: SettingNode): node is Setting {
  return typeof node['rule'] === 'function';
}

export function isMappingSetting(node: Setting): node is MappingSetting {
  return 'isMapping' in node;
}

/** The form that the program has of a section of settings. */
export type ConfigOf<Section> = {
  readonly [Key in keyof Section & string as CamelCase<Key>]: Section[Key] extends Setting<infer T>
    ? T
    : ConfigOf<Section[Key]>;
};

type CamelCase<Key extends string> = Key extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Key;

function camelCase(key: string): string {
  return key.replace(/_(.)/g, (_, first: string) => first.toUpperCase());
}

/**
 * Frozen to its depths. `accepted` gives, by dotted path, what the rule of that setting accepted; the type
 * is as true as that.
 */
export function configOf<Section extends SettingsSection>(
  section: Section,
  accepted: (path: string) => unknown,
): ConfigOf<Section> {
  return fillSection(section, '', accepted) as ConfigOf<Section>;
}

function fillSection(section: SettingsSection, prefix: string, accepted: (path: string) => unknown): object {
  const entries = Object.entries(section).map(([key, node]) => {
    const path = prefix + key;
    const value = isSetting(node) ? freezeDeep(accepted(path)) : fillSection(node, `${path}.`, accepted);
    return [camelCase(key), value];
  });
  return Object.freeze(Object.fromEntries(entries));
}

function freezeDeep(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) freezeDeep(part);
  return Object.freeze(value);
}

/** Dotted paths of all settings, in order. */
export function settingPaths(section: SettingsSection, prefix = ''): string[] {
  return Object.entries(section).flatMap(([key, node]) =>
    isSetting(node) ? [prefix + key] : settingPaths(node, `${prefix}${key}.`),
  );
}

/** What a configuration has of the setting of this dotted path. */
export function valueAt(config: object, path: string): unknown {
  return path.split('.').reduce<unknown>((part, key) => Reflect.get(Object(part), camelCase(key)), config);
}
