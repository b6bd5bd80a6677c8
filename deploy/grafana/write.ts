// SPDX-License-Identifier: Apache-2.0
// `make dashboards`: writes the dashboards into the folder given.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { renderFiles } from './dashboards.js';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: write.js FOLDER');
mkdirSync(folder, { recursive: true });
for (const [name, text] of renderFiles()) writeFileSync(join(folder, name), text);
