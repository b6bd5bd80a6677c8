// SPDX-License-Identifier: Apache-2.0
// Puts the program of another object in the place of one that is attached. Decides which one; what it
// means for the interface is attachments.ts's.

import type { Framing } from '../abi/kinds.js';
import type { AttachOutcome, XdpMode } from '../kernel/attach.js';
import type { ProgramFlavour } from '../kernel/load.js';
import type { XdpLink } from '../kernel/xdp-link.js';

/** What an object that was loaded offers in the place of another one. */
export interface Programs {
  /** Best first. */
  readonly flavours: readonly ProgramFlavour[];
  /** An interface in another mode is attached anew. */
  readonly attachMode: 'auto' | XdpMode;
  /** undefined where there is no such flavour. Throws KernelError where the kernel refuses it. */
  programFd(framing: Framing, flavour: ProgramFlavour): number | undefined;
  /** The same off the event loop. Rejects as that throws. */
  programFdOffLoop(framing: Framing, flavour: ProgramFlavour): Promise<number | undefined>;
  /** As AttachmentParts.attach, by these programs. */
  attach(name: string, ifindex: number, framing: Framing, isPatient: boolean): AttachOutcome;
}

/** An interface as it is attached. */
export interface ReplaceableLink {
  readonly name: string;
  readonly mode?: XdpMode;
  readonly framing?: Framing;
  readonly frags?: boolean;
  readonly link?: Pick<XdpLink, 'update'>;
}

/**
 * Loads what replaceProgram() is to put in first, off the event loop: what the kernel refuses is known before anything
 * changes. Rejects with KernelError.
 */
export async function loadReplacements(
  links: readonly Omit<ReplaceableLink, 'link'>[],
  { flavours, programFdOffLoop }: Pick<Programs, 'flavours' | 'programFdOffLoop'>,
): Promise<void> {
  for (const { mode, framing, frags } of links) {
    if (mode === undefined || framing === undefined) continue; // not attached
    for (const flavour of inOrder(flavours, flavourOf(frags))) {
      if ((await programFdOffLoop(framing, flavour)) !== undefined) break;
    }
  }
}

/** The flavour that runs from now on, or a sentence why the former program still does. */
export function replaceProgram(
  { name, mode, framing, frags, link }: ReplaceableLink,
  programs: Programs,
): { readonly flavour: ProgramFlavour } | string {
  const { attachMode, flavours } = programs;
  if (link === undefined || framing === undefined) return `${name} is not attached`;
  if (attachMode !== 'auto' && attachMode !== mode) {
    return `${name} is attached in ${mode} mode, and ${attachMode} mode is asked for`;
  }
  const errors: string[] = [];
  for (const flavour of inOrder(flavours, flavourOf(frags))) {
    try {
      const programFd = programs.programFd(framing, flavour);
      if (programFd === undefined) continue;
      const refusal = link.update(programFd);
      if (refusal === undefined) return { flavour };
      errors.push(`${flavour}: ${refusal.errnoName}`);
    } catch (error) {
      errors.push(`${flavour}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const why = errors.length === 0 ? 'none is loaded for its frames' : errors.join(', ');
  return `the program on ${name} could not be replaced (${why})`;
}

function flavourOf(frags: boolean | undefined): ProgramFlavour {
  return frags === true ? 'frags' : 'plain';
}

/** What the interface is known to take comes first. */
function inOrder(flavours: readonly ProgramFlavour[], present: ProgramFlavour): readonly ProgramFlavour[] {
  return [...flavours].sort((a, b) => Number(b === present) - Number(a === present));
}
