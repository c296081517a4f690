// What a mailer makes of nodemailer and Handlebars.
import Handlebars from 'handlebars';

// The options of nodemailer's pool.
export function pool(order) {
  return {
    pool: true,
    maxConnections: order.connections,
    maxMessages: Infinity,
    host: '127.0.0.1',
    port: order.port,
    ignoreTLS: true,
  };
}

// From the values of a message to its subject and HTML.
export function renderer(order) {
  const subject = Handlebars.compile(order.subject, { noEscape: true });
  const html = Handlebars.compile(order.html);
  return (values) => ({ subject: subject(values), html: html(values) });
}
