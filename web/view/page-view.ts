// SPDX-License-Identifier: Apache-2.0
// What each page is to the application: an element that is filled from answers.

import type { Overview, RefreshMessage } from '../model/answers.js';

export interface PageView {
  /** For the window's title. */
  readonly title: string;
  readonly element: HTMLElement;
  /** Asks for what it shows, and shows it. Rejects with what is wrong. */
  ask(signal: AbortSignal, overview: Overview): Promise<void>;
  onMessage(message: RefreshMessage): void;
  close(): void;
}
