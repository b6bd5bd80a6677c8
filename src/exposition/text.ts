// SPDX-License-Identifier: Apache-2.0
// Headers of the Prometheus text format 0.0.4, which has neither units nor the type info.

import type { Dialect } from './dialect.js';

export const TEXT_DIALECT: Dialect = {
  renderHeader({ name, help, type }) {
    const escaped = help.replace(/[\\\n]/g, (char) => (char === '\n' ? '\\n' : '\\\\'));
    return `# HELP ${name} ${escaped}\n# TYPE ${name} ${type === 'info' ? 'gauge' : type}\n`;
  },
  trailer: '',
};
