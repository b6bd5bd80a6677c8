// SPDX-License-Identifier: Apache-2.0
// The dashboards as files: they are what the code renders, ask for what there is, and say what they show.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { renderFiles } from '../../deploy/grafana/dashboards.js';
import {
  DASHBOARD_FOLDER,
  panelsOf,
  readDashboardQueries,
  readDashboards,
} from '../support/deploy/dashboard-queries.js';
import { assertNamesExist } from '../support/deploy/promql-names.js';

test('the files are what the code renders: make dashboards', () => {
  const rendered = renderFiles();
  assert.deepEqual(readdirSync(DASHBOARD_FOLDER).sort(), [...rendered.keys()].sort());
  for (const [name, text] of rendered) {
    assert.equal(readFileSync(join(DASHBOARD_FOLDER, name), 'utf8'), text, name);
  }
});

test('expressions name metrics, records, labels and choices that there are', () => {
  assert.ok(readDashboardQueries().length > 60);
  for (const { promQl } of readDashboardQueries()) {
    assertNamesExist(promQl);
    assert.doesNotMatch(promQl, /\$/, 'a choice that is not a whole value');
  }
  for (const { uid, panels, templating } of readDashboards()) {
    const names = templating.list.map(({ name }) => name);
    for (const [, name = ''] of JSON.stringify(panels).matchAll(/\$(\w+)/g)) {
      assert.ok(name === '__rate_interval' || names.includes(name), `${uid}: $${name}`);
    }
    for (const { query = '' } of templating.list) assertNamesExist(query);
  }
});

test('every panel says what it shows, and has an id of its own', () => {
  for (const dashboard of readDashboards()) {
    const panels = panelsOf(dashboard);
    assert.ok(panels.length >= 8, dashboard.uid);
    for (const { title, description = '', targets = [] } of panels) {
      assert.ok(title !== '' && description !== '' && targets.length > 0, `${dashboard.uid}: ${title}`);
    }
    const ids = dashboard.panels.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, dashboard.uid);
    const titles = panels.map(({ title }) => title);
    assert.equal(new Set(titles).size, titles.length, dashboard.uid);
  }
});
