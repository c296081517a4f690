// Failures as Logto's errors, with the words that its console shows.

import { ConnectorError, ConnectorErrorCodes } from '@logto/connector-kit';
import { SmtpConnectorError } from 'smtp-connector';

import { zodError } from './guard.js';

/** What the operator can do that the configuration cannot. */
const operators = {
  egress: 'The operator of Logto can allow it by `SMTP_CONNECTOR_EGRESS`.',
};

const sentence = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);

/** What happened at which stage, and what to change. */
const description = ({ kind, stage, message, hint, ambiguous }) =>
  [
    sentence(stage ? `${stage}: ${message}` : message),
    hint && sentence(hint),
    operators[kind],
    ambiguous && 'The mail may have arrived nevertheless.',
  ]
    .filter(Boolean)
    .join(' ');

/**
 * The error that Logto knows. It shows the description of general errors alone, so that all failures
 * on the way to the server are general ones.
 */
export const connectorError = (error) => {
  if (!(error instanceof SmtpConnectorError)) return error;
  if (error.kind === 'configuration') {
    return new ConnectorError(ConnectorErrorCodes.InvalidConfig, zodError(error.diagnostics));
  }
  const code =
    error.kind === 'payload'
      ? ConnectorErrorCodes.InvalidRequestParameters
      : ConnectorErrorCodes.General;
  return new ConnectorError(code, { errorDescription: description(error), ...error.toJSON() });
};
