// SPDX-License-Identifier: Apache-2.0
// Who scrapes flows, and who scrapes RoCE's pairs: whoever leaves one of them out has seen none of its series,
// and no series waits for him.

import { ALL_SUBJECTS, isSelected, type Selection } from '../exposition/selection.js';
import { Scrapers, type ScrapersOptions } from './scrapers.js';

export class SubjectScrapers {
  readonly flows: Scrapers;
  readonly roce: Scrapers;

  constructor(options: ScrapersOptions, parts: { nowMs(): number }) {
    this.flows = new Scrapers(options, parts);
    this.roce = new Scrapers(options, parts);
  }

  /** As Scrapers.answered(), of an answer that showed the selected subjects. */
  answered(client: string, refresh: number, isScraper: boolean, selection: Selection): void {
    // Two jobs of one Prometheus that differ in this alone are two.
    const name = selection === ALL_SUBJECTS ? client : `${client} ${selection}`;
    if (isSelected(selection, 'flows')) this.flows.answered(name, refresh, isScraper);
    if (isSelected(selection, 'roce')) this.roce.answered(name, refresh, isScraper);
  }
}
