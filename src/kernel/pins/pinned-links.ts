// SPDX-License-Identifier: Apache-2.0
// Links that outlive the process: those of a predecessor are taken over, new ones are pinned. What a program
// of theirs counts into is not decided here.

import { existsSync, mkdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type AttachOptions, type AttachOutcome, attachXdp } from '../attach.js';
import { openPin, pinTo, readXdpLinkInfo } from '../bpf-fds.js';
import { holdXdpLink, type XdpLink } from '../xdp-link.js';
import { queryXdp } from '../xdp-query.js';
import { LINKS, namesIn } from './pin-folder.js';
import type { Libraries } from './pinned-generation.js';

/** IFINDEX-LINK. */
const LINK_NAME = /^\d+-\d+$/;

export interface PinnedLinks {
  /**
   * As attachXdp(). Where a link of a predecessor is on the interface it is moved to the programs of this
   * object, without a packet in between that none counts.
   */
  attach(options: AttachOptions): AttachOutcome;
  /**
   * Detaches the links of predecessors that nobody has taken over, but for interfaces that are meant: those may be taken
   * over later. The interfaces' numbers.
   */
  letGoOfRest(isMeant: (ifindex: number) => boolean): readonly number[];
  /** Closes the descriptors of those; all links stay. */
  close(): void;
}

export interface FoundLink {
  readonly path: string;
  readonly link: XdpLink;
}

/** Opens the links that are there; removes those whose interface is gone. Throws KernelError. */
export function openLinks(libraries: Libraries, pinPath: string): FoundLink[] {
  const folder = join(pinPath, LINKS);
  return namesIn(folder)
    .filter((name) => LINK_NAME.test(name))
    .flatMap((name) => {
      const path = join(folder, name);
      const fd = openPin(libraries.libbpf, path);
      const info = readXdpLinkInfo(libraries.libbpf, fd);
      if (info === undefined || info.ifindex === 0) {
        libraries.libc.close(fd);
        unlinkSync(path);
        return [];
      }
      return [{ path, link: holdPinned(libraries, holdXdpLink(libraries, fd, info.ifindex), path) }];
    });
}

/** Whose detach() removes the pin. */
function holdPinned({ libbpf }: Libraries, link: XdpLink, path: string): XdpLink {
  let isClosed = false;
  const close = (): void => {
    isClosed = true;
    link.close();
  };
  return {
    ...link,
    close,
    detach() {
      if (isClosed) return;
      libbpf.bpf_link_detach(link.fd); // first, so that it is detached whoever else holds it
      removeFile(path);
      close();
    },
  };
}

function removeFile(path: string): void {
  if (existsSync(path)) unlinkSync(path);
}

/** @param warn is told, in a sentence, what could not be pinned or taken over. */
export function createPinnedLinks(
  libraries: Libraries,
  pinPath: string,
  warn: (sentence: string) => void,
): PinnedLinks {
  const folder = join(pinPath, LINKS);
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
  const untaken = openLinks(libraries, pinPath);

  /** The link whose program is the one that the interface of this namespace runs. */
  function takeLink({ object, ifindex }: AttachOptions) {
    const { incumbent } = queryXdp(object, ifindex);
    if (incumbent === undefined || incumbent.mode === 'offload') return undefined;
    const at = untaken.findIndex(({ link }) => {
      const info = readXdpLinkInfo(libraries.libbpf, link.fd);
      return info?.ifindex === ifindex && info.programId === incumbent.id;
    });
    const [found] = at < 0 ? [] : untaken.splice(at, 1);
    return found && { link: found.link, mode: incumbent.mode };
  }

  function takeOver(options: AttachOptions): AttachOutcome | undefined {
    const found = takeLink(options);
    if (found === undefined) return undefined;
    const { link, mode } = found;
    const { object, interfaceName, framing } = options;
    const refusals: string[] = [];
    if (options.mode === 'auto' || options.mode === mode) {
      for (const flavour of object.flavours) {
        const programFd = object.programFd(framing, flavour);
        if (programFd === undefined) continue;
        const refusal = link.update(programFd);
        if (refusal === undefined) {
          return { attached: true, isTakenOver: true, mode, flavour, link, failures: [] };
        }
        refusals.push(`${flavour}: ${refusal.errnoName}`);
      }
    } else {
      refusals.push(`it is in ${mode} mode, and ${options.mode} mode is asked for`);
    }
    warn(
      `the pinned link on ${interfaceName} could not be taken over (${refusals.join(', ')}): it is attached anew`,
    );
    link.detach();
    return undefined;
  }

  function pinLink(outcome: AttachOutcome, interfaceName: string): AttachOutcome {
    if (!outcome.attached) return outcome;
    const { link } = outcome;
    const info = readXdpLinkInfo(libraries.libbpf, link.fd);
    const path = join(folder, `${link.ifindex}-${info?.id ?? 0}`);
    try {
      pinTo(libraries.libbpf, link.fd, path);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      warn(`${interfaceName} is attached, but only until this process ends: ${why}`);
      return outcome;
    }
    return { ...outcome, link: holdPinned(libraries, link, path) };
  }

  return {
    attach: (options) => takeOver(options) ?? pinLink(attachXdp(options), options.interfaceName),
    letGoOfRest(isMeant) {
      const rest = untaken.filter(({ link }) => !isMeant(link.ifindex));
      for (const one of rest) {
        untaken.splice(untaken.indexOf(one), 1);
        one.link.detach();
      }
      return rest.map(({ link }) => link.ifindex);
    },
    close() {
      for (const { link } of untaken.splice(0)) link.close();
    },
  };
}
