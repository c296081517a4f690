// What the operator of Logto sets in the environment.

import process from 'node:process';

/** The settings of the engine, and what every configuration may do. */
export const settings = () => {
  const { SMTP_CONNECTOR_CACHE_DIRECTORY: cacheDirectory, SMTP_CONNECTOR_EGRESS: egress } =
    process.env;
  return {
    engine: cacheDirectory ? { cacheDirectory } : {},
    options: egress ? { egress } : {},
  };
};
