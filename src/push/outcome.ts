// SPDX-License-Identifier: Apache-2.0
// What becomes of a batch that was sent. Types only.

export type Outcome =
  /** Over; `written` of its samples are stored there. */
  | { readonly kind: 'accepted'; readonly written: number }
  /** Never to be sent again; `written` of its samples are stored all the same. */
  | { readonly kind: 'refused'; readonly written: number; readonly sentence: string }
  /** The batch cannot be brought into a form the receiver knows. */
  | { readonly kind: 'unsendable'; readonly sentence: string }
  | Failed;

/** To be sent again, after a while. */
export interface Failed {
  readonly kind: 'failed';
  readonly sentence: string;
  readonly retryAfterMs: number | undefined;
  /** The receiver works, but fails over something: it may be this batch. */
  readonly mayBeBatch: boolean;
}

/** The receiver may know another format or compression; where there is none left, it has refused. */
export interface NotUnderstood {
  readonly kind: 'not_understood';
  readonly written: number;
  readonly sentence: string;
}

/** Of one attempt. */
export type Verdict = Outcome | NotUnderstood;
