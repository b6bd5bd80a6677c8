// SPDX-License-Identifier: Apache-2.0
// A plot over time on a canvas, by uPlot, with a legend of our own that is text and can be read without seeing
// the plot. Colours come from the style sheet, and follow the system's setting.

import uPlot from 'uplot';
import { clockText, tickText } from '../model/quantity.js';
import { type Curve, stack } from '../model/rate-curves.js';
import { keepChildren, make, setAttributes, setText } from './elements.js';

export interface RatePlotOptions {
  /** What is plotted, as one hears it. */
  readonly title: string;
  valueText(value: number | undefined): string;
  /** Curves upon each other, or each from the ground. */
  readonly isStacked: boolean;
  /** Pixels. */
  readonly height: number;
}

const AXIS_SIZE = 74;
/** Seconds between the times of an axis. */
const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600];
const MIN_WIDTH = 240;

export class RatePlot {
  readonly element: HTMLElement;
  readonly #options: RatePlotOptions;
  readonly #canvas = make('div', { class: 'plot', role: 'img' });
  readonly #legend = make('ul', { class: 'legend' });
  readonly #resizes: ResizeObserver;
  readonly #scheme = matchMedia('(prefers-color-scheme: dark)');
  #plot: uPlot | undefined;
  #names = '';
  #ends: readonly number[] = [];
  #curves: readonly Curve[] = [];
  #hovered: number | undefined;

  constructor(options: RatePlotOptions) {
    this.#options = options;
    this.element = make('div', { class: 'plot-with-legend' }, this.#canvas, this.#legend);
    this.#canvas.style.height = `${options.height}px`;
    this.#resizes = new ResizeObserver(() => this.#plot?.setSize(this.#size()));
    this.#resizes.observe(this.#canvas);
    this.#scheme.addEventListener('change', this.#rebuild);
  }

  close(): void {
    this.#resizes.disconnect();
    this.#scheme.removeEventListener('change', this.#rebuild);
    this.#plot?.destroy();
  }

  /** ends: Unix seconds. */
  show(ends: readonly number[], curves: readonly Curve[]): void {
    this.#ends = ends;
    this.#curves = curves;
    const names = JSON.stringify(curves.map(({ name }) => name));
    if (this.#plot === undefined || names !== this.#names) {
      this.#names = names;
      this.#rebuild();
    } else this.#plot.setData(this.#data());
    this.#showLegend();
  }

  /** Highest first when stacked: the fill of a band is drawn between a curve and the one below it. */
  #data(): uPlot.AlignedData {
    const rows = this.#options.isStacked
      ? stack(this.#curves)
      : this.#curves.map(({ values }) => [...values]);
    return [[...this.#ends], ...rows];
  }

  readonly #rebuild = (): void => {
    this.#plot?.destroy();
    if (!this.#canvas.isConnected) return;
    this.#plot = new uPlot(this.#plotOptions(), this.#data(), this.#canvas);
  };

  #size(): { width: number; height: number } {
    return { width: Math.max(MIN_WIDTH, this.#canvas.clientWidth), height: this.#options.height };
  }

  #plotOptions(): uPlot.Options {
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const axis = {
      stroke: colour('--muted'),
      font: '11px system-ui, sans-serif',
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { stroke: colour('--line'), width: 1, size: 4 },
    };
    const { isStacked, valueText } = this.#options;
    return {
      ...this.#size(),
      legend: { show: false },
      padding: [6, 26, 0, 0],
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: { y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.08 : 1] } },
      series: [
        {},
        ...this.#curves.map((_curve, i) => ({
          stroke: colour(`--curve-${i + 1}`),
          width: 1.5,
          points: { show: this.#ends.length < 2 },
          ...(isStacked ? { fill: colour(`--fill-${i + 1}`) } : {}),
        })),
      ],
      bands: isStacked
        ? this.#curves
            .slice(1)
            .map((_curve, i): uPlot.Band => ({ series: [i + 2, i + 1], fill: colour(`--fill-${i + 2}`) }))
        : [],
      axes: [
        {
          ...axis,
          size: 26,
          incrs: TIME_STEPS,
          space: 80,
          values: (_plot, ticks) => ticks.map((tick) => clockText(tick * 1000)),
        },
        {
          ...axis,
          size: AXIS_SIZE,
          space: 36,
          values: (_plot, ticks) => ticks.map((tick) => tickText(valueText(tick))),
        },
      ],
      hooks: {
        setCursor: [
          (plot) => {
            this.#hovered = plot.cursor.idx ?? undefined;
            this.#showLegend();
          },
        ],
      },
    };
  }

  /** Of the point under the mouse, or the last. */
  #showLegend(): void {
    const { title, valueText } = this.#options;
    const index = this.#hovered ?? this.#ends.length - 1;
    const entries = this.#curves.map(({ name, values }) => ({ name, value: valueText(values[index]) }));
    const rows = keepChildren(this.#legend, entries.length, () =>
      make('li', {}, make('i', {}), make('span', {}), make('b', {})),
    );
    for (const [i, row] of rows.entries()) {
      const [swatch, name, value] = row.children;
      if (swatch) setAttributes(swatch, { class: `swatch curve-${i + 1}` });
      if (name) setText(name, entries[i]?.name ?? '');
      if (value) setText(value, entries[i]?.value ?? '');
    }
    const now = entries.map(({ name, value }) => `${name} ${value}`).join(', ');
    setAttributes(this.#canvas, {
      'aria-label': `${title}. ${now === '' ? 'Nothing yet' : `Last: ${now}`}.`,
    });
  }
}
