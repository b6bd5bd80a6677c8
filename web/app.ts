// SPDX-License-Identifier: Apache-2.0
// The page at /: the frame with the verdict, and in it the page that the address names.

import type { Overview, RefreshMessage } from './model/answers.js';
import { judgeFreshness } from './model/freshness.js';
import { routeOf } from './model/hash-route.js';
import { OwnTimes } from './model/own-times.js';
import { millisecondsText } from './model/quantity.js';
import { make, setAttributes, setText } from './view/elements.js';
import { ExporterLink, fetchAnswer } from './view/exporter-link.js';
import { ExporterPage } from './view/exporter-page.js';
import { LivePage } from './view/live-page.js';
import type { PageView } from './view/page-view.js';
import { PairPage } from './view/pair-page.js';
import { RdmaPage } from './view/rdma-page.js';
import { VerdictBar } from './view/verdict-bar.js';

const LOOK_AT_CLOCK_MS = 1000;
const NAME = 'xtrace-catch';

class PageFrame {
  readonly #main = make('main', { id: 'main', tabindex: '-1' });
  readonly #verdict = new VerdictBar();
  readonly #host = make('span', { class: 'host' });
  readonly #state = make('span', { class: 'state' });
  readonly #old = make('p', { class: 'old', role: 'alert', hidden: true });
  readonly #links = new Map(
    (['live', 'rdma', 'exporter'] as const).map((page) => [
      page,
      make(
        'a',
        { href: page === 'live' ? '#/' : `#/${page}` },
        { live: 'Live', rdma: 'RDMA', exporter: 'Exporter' }[page],
      ),
    ]),
  );
  readonly #times = new OwnTimes();
  readonly #link: ExporterLink;
  #page: PageView | undefined;
  #overview: Overview | undefined;
  #heardMs: number | undefined;
  #trouble = '';

  constructor(root: HTMLElement) {
    this.#link = new ExporterLink({
      onMessage: (message) => this.#onMessage(message),
      ask: (signal) => this.#ask(signal),
      onAnswer: (trouble) => this.#onAnswer(trouble),
    });
    const nav = make('nav', { 'aria-label': 'Pages' }, ...this.#links.values());
    root.replaceChildren(
      make('a', { class: 'skip', href: '#main' }, 'To the numbers'),
      make('header', {}, make('strong', { class: 'name' }, NAME), this.#host, nav, this.#state),
      this.#old,
      this.#verdict.element,
      this.#main,
    );
  }

  open(): void {
    window.addEventListener('hashchange', () => this.#go());
    document.addEventListener('keydown', (event) => this.#onKey(event));
    window.setInterval(() => {
      // Refreshes may have ended while the exporter still answers: then its verdict says why.
      if (this.#showFreshness()) this.#link.askNow();
    }, LOOK_AT_CLOCK_MS);
    this.#go();
    this.#link.open();
  }

  #go(): void {
    if (location.hash === '#main') {
      this.#main.focus();
      return;
    }
    const route = routeOf(location.hash);
    const again = (): void => this.#link.askAnew();
    this.#page?.close();
    const page =
      route.page === 'pair'
        ? new PairPage(route.pairId)
        : route.page === 'rdma'
          ? new RdmaPage()
          : route.page === 'exporter'
            ? new ExporterPage(this.#times)
            : new LivePage(again);
    for (const [name, link] of this.#links) {
      setAttributes(link, { 'aria-current': name === route.page ? 'page' : undefined });
    }
    const isFirst = this.#page === undefined;
    this.#page = page;
    this.#main.replaceChildren(page.element);
    document.title = `${page.title} · ${NAME}`;
    // Who comes by keyboard goes on where the new page begins.
    if (!isFirst) this.#main.focus({ preventScroll: true });
    again();
  }

  #onMessage(message: RefreshMessage): void {
    this.#heardMs = Date.now();
    this.#times.note(message);
    this.#page?.onMessage(message);
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const overview = await fetchAnswer<Overview>('overview', {}, signal);
    this.#heardMs = Date.now();
    if (this.#overview !== undefined && this.#overview.version !== overview.version) location.reload();
    this.#overview = overview;
    this.#verdict.show(overview);
    setText(this.#host, [overview.host_ip, overview.collect_agg].filter((one) => one !== '').join(' · '));
    const page = this.#page;
    await page?.ask(signal, overview);
  }

  #onAnswer(trouble: string): void {
    this.#trouble = trouble;
    this.#showFreshness();
  }

  /** Whether the numbers are old. */
  #showFreshness(): boolean {
    const intervalMs = this.#overview?.exporter.interval_ms ?? 0;
    const { isOld, sentence } = judgeFreshness(this.#heardMs, intervalMs, Date.now(), this.#trouble);
    setAttributes(this.#old, { hidden: !isOld });
    setText(this.#old, sentence);
    setAttributes(document.body, { class: isOld ? 'is-old' : '' });
    const live = this.#overview === undefined ? 'connecting' : `live, every ${millisecondsText(intervalMs)}`;
    setText(this.#state, isOld ? 'no answer' : live);
    return isOld;
  }

  #onKey(event: KeyboardEvent): void {
    const isTyping = event.target instanceof HTMLInputElement;
    if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!(this.#page instanceof LivePage)) return;
    event.preventDefault();
    this.#page.focusFilter();
  }
}

const root = document.getElementById('app');
if (root !== null) new PageFrame(root).open();
