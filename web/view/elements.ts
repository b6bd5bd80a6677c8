// SPDX-License-Identifier: Apache-2.0
// Elements of the page. Text goes in as text nodes alone: whatever comes from the wire stays text.

export type Child = Node | string;

export interface Attributes {
  readonly [name: string]: string | boolean | undefined;
}

/** An element with attributes and children; false and undefined leave an attribute out. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

export function setAttributes(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) element.removeAttribute(name);
    else {
      const text = value === true ? '' : value;
      if (element.getAttribute(name) !== text) element.setAttribute(name, text);
    }
  }
}

/** Leaves the text alone where it is the same: what is selected stays selected, and nothing is laid out anew. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** So many children, made and removed at the end: those that stay keep their focus. */
export function keepChildren(parent: Element, count: number, create: () => Element): Element[] {
  while (parent.children.length > count) parent.lastElementChild?.remove();
  while (parent.children.length < count) parent.append(create());
  return [...parent.children];
}

/** A panel with its heading; its body is given. */
export function panel(title: string, attributes: Attributes, ...body: readonly Child[]): HTMLElement {
  const heading = make('h2', {}, title);
  return make('section', { ...attributes, 'aria-label': title }, heading, ...body);
}

/** A width from 0 to 1, for bars: through CSSOM, which the security policy lets pass. */
export function setShare(element: HTMLElement, share: number): void {
  const value = `${(Math.max(0, Math.min(1, share)) * 100).toFixed(1)}%`;
  if (element.style.getPropertyValue('--share') !== value) element.style.setProperty('--share', value);
}
