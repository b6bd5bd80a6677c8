// SPDX-License-Identifier: Apache-2.0
// The shells' files as they are in the tree, with @PLACES@ for what the lists of flags and commands say.

/** Throws where a place has no text, or a text no place. */
export function fillTemplate(template: string, texts: Readonly<Record<string, string>>): string {
  const unused = new Set(Object.keys(texts));
  const filled = template.replace(/@([A-Z_]+)@/g, (_, name: string) => {
    const text = texts[name];
    if (text === undefined) throw new Error(`nothing is given for @${name}@`);
    unused.delete(name);
    return text;
  });
  if (unused.size > 0) throw new Error(`there is no place for ${[...unused].join(', ')}`);
  return filled;
}
