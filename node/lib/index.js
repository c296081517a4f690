// What the package offers.

export { Connector } from './connector.js';
export { Engine } from './engine.js';
export { AbortError, ConfigurationError, SmtpConnectorError, UsageError } from './errors.js';
export { Mailer } from './mailer.js';
export { smtpConnector } from './nodemailer.js';
