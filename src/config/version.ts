// SPDX-License-Identifier: Apache-2.0
// What was built: package.json and dist/build-info.json -> one value, and the text of --version in
// the manner of Prometheus exporters.

export interface BuildInfo {
  readonly version: string;
  readonly branch: string;
  readonly revision: string;
  readonly buildUser: string;
  /** As the build wrote it, such as "2026-01-31T12:00:00Z". */
  readonly buildDate: string;
}

/**
 * Both texts as read from disk; what is missing or no JSON object leaves "unknown", never an error:
 * a program without build info still runs. build-info.json holds the keys branch, revision,
 * build_user and build_date.
 */
export function parseBuildInfo(packageJson: string, buildInfoJson: string | undefined): BuildInfo {
  const fromPackage = parseObject(packageJson);
  const fromBuild = parseObject(buildInfoJson ?? '');
  return {
    version: textOf(fromPackage['version']),
    branch: textOf(fromBuild['branch']),
    revision: textOf(fromBuild['revision']),
    buildUser: textOf(fromBuild['build_user']),
    buildDate: textOf(fromBuild['build_date']),
  };
}

export interface Platform {
  /** process.version */
  readonly nodeVersion: string;
  /** process.platform */
  readonly platform: string;
  /** process.arch */
  readonly arch: string;
}

export function renderVersion(build: BuildInfo, platform: Platform): string {
  return `xtrace-catch, version ${build.version} (branch: ${build.branch}, revision: ${build.revision})
  build user:       ${build.buildUser}
  build date:       ${build.buildDate}
  node version:     ${platform.nodeVersion}
  platform:         ${platform.platform}/${platform.arch}
`;
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : 'unknown';
}
