// The name of this platform.

import process from 'node:process';

/** The name under which files and packages know this platform, such as `linux-x64-gnu`. */
export const platform = () => {
  const name = `${process.platform}-${process.arch}`;
  if (process.platform !== 'linux') return name;
  // Which C library it is Node says only in a report, which must not look up names for that.
  const { excludeNetwork } = process.report;
  process.report.excludeNetwork = true;
  const { glibcVersionRuntime } = process.report.getReport().header;
  process.report.excludeNetwork = excludeNetwork;
  return `${name}-${glibcVersionRuntime ? 'gnu' : 'musl'}`;
};
