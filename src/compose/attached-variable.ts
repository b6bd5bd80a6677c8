// SPDX-License-Identifier: Apache-2.0
// How `top --attach` and the exporter that it starts know each other.

/** Set in the environment of that exporter, which has a channel to its parent: it ends with it. */
export const ATTACHED_VARIABLE = 'XTRACE_CATCH_ATTACHED';
