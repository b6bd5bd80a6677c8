// SPDX-License-Identifier: Apache-2.0
// What is known of one interface that is to be attached.

import type { Framing } from '../abi/kinds.js';
import type { XdpMode } from '../kernel/attach-advice.js';
import type { XdpLink } from '../kernel/xdp-link.js';

/** What is known of one interface; for /metrics, the landing page and the log. */
export interface AttachmentState {
  readonly id: number;
  readonly name: string;
  readonly attached: boolean;
  /** Set while attached. */
  readonly ifindex?: number;
  readonly mode?: XdpMode;
  readonly framing?: Framing;
  /** Whether frames in several buffers are taken. Set while attached. */
  readonly frags?: boolean;
  /** Why it is not attached, one sentence; empty while it is. */
  readonly sentence: string;
  /** Whether that is a lack of privilege, which waiting does not mend. */
  readonly lacksPrivilege: boolean;
  /** Whether it is named, and the kernel refuses every program for it, which waiting does not mend. */
  readonly isLoadRefused: boolean;
}

/** The same, for whoever attaches it. */
export interface MutableState extends AttachmentState {
  id: number;
  name: string;
  attached: boolean;
  ifindex?: number;
  mode?: XdpMode;
  framing?: Framing;
  frags?: boolean;
  sentence: string;
  lacksPrivilege: boolean;
  isLoadRefused: boolean;
  link?: XdpLink;
  /** By its name; else a pattern matches it. */
  isAwaited: boolean;
  everAttached: boolean;
  /** What the last look failed with; '' where it did not. */
  trouble: string;
}

/** What holds only while it is attached. The link itself is the caller's to close. */
export function forgetLink(state: MutableState): void {
  for (const field of ['link', 'ifindex', 'mode', 'frags'] as const) delete state[field];
  state.attached = false;
}

export function createState(id: number, name: string, isAwaited: boolean): MutableState {
  return {
    id,
    name,
    isAwaited,
    attached: false,
    sentence: '',
    lacksPrivilege: false,
    isLoadRefused: false,
    everAttached: false,
    trouble: '',
  };
}
