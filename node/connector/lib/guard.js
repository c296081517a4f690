// The check of a configuration as a schema of zod, which Logto asks before it stores one.

import { z, ZodError } from 'zod';

/** A JSON Pointer as zod's path. */
const path = (pointer) =>
  pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((token) => (/^\d+$/.test(token) ? Number(token) : token));

/** The errors among findings, as zod has them. */
const issues = (diagnostics) =>
  diagnostics
    .filter(({ severity }) => severity === 'error')
    .map(({ path: pointer, message, help }) => ({
      code: 'custom',
      path: path(pointer),
      message: help ? `${message} – ${help}` : message,
    }));

/** What Logto shows of a configuration with errors. */
export const zodError = (diagnostics) => new ZodError(issues(diagnostics));

/**
 * A schema that finds what the check finds, all at once. Logto parses without waiting for a promise,
 * so the check makes Node wait; it takes some milliseconds, when somebody saves a configuration.
 */
export const configGuard = (component, options) =>
  z.unknown().superRefine((config, context) => {
    for (const issue of issues(component.checkSync(config, options).diagnostics))
      context.addIssue(issue);
  });
