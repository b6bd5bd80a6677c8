// SPDX-License-Identifier: Apache-2.0
// The live page at / and the files it is made of, which the build has bundled: served from memory, under a policy
// that lets scripts and styles of these files run and nothing else. Its numbers come from the API.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { negotiateCoding } from '../exposition/negotiate.js';
import { escapeHtml } from './html-text.js';
import { type LandingPage, renderLandingLinks, renderLandingTable } from './landing-page.js';
import type { RequestHandler } from './metrics-handler.js';

export const ASSETS_PREFIX = '/assets/';

/** As the build has left them. */
export interface PageFiles {
  /** index.html, with {{name}} where something is to be put in. */
  readonly template: string;
  /** By file name; names tell content, so that a name never has another content. */
  readonly assets: ReadonlyMap<string, PageAsset>;
}

export interface PageAsset {
  readonly plain: Buffer;
  readonly gzip: Buffer;
}

export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "form-action 'none'",
].join('; ');

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};
/** What a new version brings has another name. */
const FOR_EVER = 'public, max-age=31536000, immutable';

/** Paths in it are relative, so that a proxy may put the page elsewhere. */
export function renderLivePage({ template, assets }: PageFiles, page: LandingPage): string {
  const names = [...assets.keys()];
  const asset = (pattern: RegExp): string => `assets/${names.find((name) => pattern.test(name)) ?? ''}`;
  const parts: Readonly<Record<string, string>> = {
    version: escapeHtml(page.version),
    icon: escapeHtml(asset(/\.svg$/)),
    style: escapeHtml(asset(/\.css$/)),
    script: escapeHtml(asset(/\.js$/)),
    links: `${renderLandingLinks(page)}<a href="/-/config">Configuration</a><a href="/api/v1/overview">API</a>`,
    noscript: `<p>The live page needs JavaScript. Without it, this is what is watched:</p>\n${renderLandingTable(page)}`,
  };
  return template.replace(/\{\{(\w+)\}\}/g, (_whole, name: string) => parts[name] ?? '');
}

/** The file of this name; undefined where there is none. */
export function assetHandler({ assets }: PageFiles, name: string): RequestHandler | undefined {
  const asset = assets.get(name);
  if (asset === undefined) return undefined;
  const type = TYPES[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
  return (request: IncomingMessage, response: ServerResponse) => {
    const coding = negotiateCoding(request.headers['accept-encoding'] as string | undefined);
    const body = coding === 'gzip' ? asset.gzip : asset.plain;
    response.writeHead(200, {
      'Content-Type': type,
      'Content-Length': String(body.length),
      ...(coding === 'gzip' ? { 'Content-Encoding': 'gzip' } : {}),
      'Cache-Control': FOR_EVER,
      Vary: 'Accept-Encoding',
    });
    // Node leaves the body of a response to HEAD out by itself.
    response.end(body);
  };
}
