import type { CreateConnector, EmailConnector } from '@logto/connector-kit';

/** Makes the connector that Logto loads. */
declare const createConnector: CreateConnector<EmailConnector>;

export default createConnector;
