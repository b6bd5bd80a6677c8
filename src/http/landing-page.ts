// SPDX-License-Identifier: Apache-2.0
// The page at / where web.ui is off: what runs here, what it is attached to, where to go. No scripts, one inline
// style whose hash the security policy names.

import { createHash } from 'node:crypto';
import { escapeHtml } from './html-text.js';

export interface LandingPage {
  readonly name: string;
  readonly version: string;
  readonly interfaces: readonly LandingInterface[];
  /** Path of the metrics. */
  readonly telemetryPath: string;
}

export interface LandingInterface {
  readonly name: string;
  /** `native` or `generic`; undefined where nothing is attached. */
  readonly mode: string | undefined;
  /** Why nothing is attached, or what else is worth a look; one sentence or empty. */
  readonly note: string;
}

const STYLE = [
  ':root{color-scheme:light dark}',
  'body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}',
  'h1{font-size:1.5rem;margin:0}',
  'h1 small{font-weight:400;opacity:.65}',
  'table{border-collapse:collapse;width:100%;margin:1.5rem 0}',
  'th,td{text-align:left;padding:.4rem .75rem .4rem 0;border-bottom:1px solid #8884;vertical-align:top}',
  'th{font-weight:600}',
  'nav a{margin-right:1.25rem}',
].join('');

/** Lets the page use its own style and nothing else. */
export function contentSecurityPolicy(): string {
  const styleHash = createHash('sha256').update(STYLE).digest('base64');
  return [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

export function renderLandingPage(page: LandingPage): string {
  const name = escapeHtml(page.name);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${name} <small>${escapeHtml(page.version)}</small></h1>
<p>Counts every packet that arrives, by flow, with XDP.</p>
${renderLandingTable(page)}
<nav>${renderLandingLinks(page)}</nav>
</body>
</html>
`;
}

/** As HTML. */
export function renderLandingTable({ interfaces }: Pick<LandingPage, 'interfaces'>): string {
  const rows = interfaces.map(
    ({ name, mode, note }) =>
      `<tr><td>${escapeHtml(name)}</td><td>${escapeHtml(mode ?? 'not attached')}</td><td>${escapeHtml(note)}</td></tr>`,
  );
  return `<table>
<thead><tr><th>Interface</th><th>XDP mode</th><th>Note</th></tr></thead>
<tbody>
${rows.join('\n') || '<tr><td colspan="3">No interface yet.</td></tr>'}
</tbody>
</table>`;
}

/** Where programs go, as HTML. */
export function renderLandingLinks({ telemetryPath }: Pick<LandingPage, 'telemetryPath'>): string {
  return `<a href="${escapeHtml(telemetryPath)}">Metrics</a><a href="/-/healthy">Healthy</a><a href="/-/ready">Ready</a>`;
}
