// Logto's part: its loader, what its console stores, what it keeps for languages, what it asks for.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { buildRawConnector, loadConnectorFactories } from '@logto/cli/lib/connector/index.js';
import { TemplateType } from '@logto/connector-kit';

const modules = fileURLToPath(new URL('../node_modules', import.meta.url));
const pack = fileURLToPath(new URL('../../pack', import.meta.url));

/** A Logto in a folder, with the packed connector beside Logto's own. */
export class Logto {
  #folder;
  #package;
  #formItems;

  constructor(folder) {
    this.#folder = folder;
    const packed = join(folder, 'packed');
    execFileSync(pack, [packed]);
    this.#package = join(
      packed,
      readdirSync(packed).find((name) => name.includes('logto')),
    );
  }

  /** Lays the package out as `logto connector add` does: extracted, nothing installed beside it. */
  extract(core, kit) {
    const connector = join(this.#folder, core, 'connectors/smtp-connector-logto');
    mkdirSync(connector, { recursive: true });
    mkdirSync(join(this.#folder, core, 'node_modules/@logto'), { recursive: true });
    symlinkSync(join(modules, kit), join(this.#folder, core, 'node_modules/@logto/connector-kit'));
    symlinkSync(join(modules, 'zod'), join(this.#folder, core, 'node_modules/zod'));
    execFileSync('tar', ['-xzf', this.#package, '--strip-components', '1', '-C', connector]);
    return connector;
  }

  /** Has Logto's loader load both: the factory of ours, then that of theirs. */
  async load() {
    const path = this.extract('core', '@logto/connector-kit');
    const name = '@logto/connector-smtp';
    const factories = await loadConnectorFactories(
      [
        { name: '@smtp-connector/logto', path },
        { name, path: join(modules, name) },
      ],
      false,
    );
    this.#formItems = factories[1].metadata.formItems;
    return factories;
  }

  /** The templates that the console offers. That for invitations asks for a code, and gets a link. */
  get templates() {
    return this.#defaults().templates.map((template) =>
      template.usageType === TemplateType.OrganizationInvitation
        ? { ...template, content: template.content.replace('{{code}}', '{{link}}') }
        : template,
    );
  }

  /** What the console stores of its form: what was filled in, and else what it offers. */
  stored(filled) {
    return cleaned({ ...this.#defaults(), templates: this.templates, ...filled });
  }

  #defaults() {
    return Object.fromEntries(this.#formItems.map(({ key, defaultValue }) => [key, defaultValue]));
  }
}

/** Leaves nothing that is empty, as Logto does before it stores a configuration. */
const cleaned = (value) => {
  if (Array.isArray(value)) return value.map(cleaned).filter(isSomething);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([key, member]) => [key, cleaned(member)]);
  return Object.fromEntries(members.filter(([, member]) => isSomething(member)));
};

const isSomething = (value) =>
  typeof value === 'object'
    ? value !== null && Object.keys(value).length > 0
    : value !== undefined && value !== '';

/** The payload of a message, with all that Logto hands over for one or another. */
export const payload = {
  code: '482913',
  link: 'https://acme.test/join/1',
  locale: 'de',
  uiLocales: 'de-CH de en',
  application: { id: 'app', name: 'Shop' },
  organization: { id: 'org', name: 'Acme' },
  user: { id: 'u', name: 'Jo Doe' },
};

/** The value that a mail of a type is for. */
export const purpose = (type) =>
  type === TemplateType.OrganizationInvitation ? '{{link}}' : '{{code}}';

/** What Logto keeps for languages: nothing, and the forms that a template there can have. */
export const translations = (value) => [
  undefined,
  { subject: `Code ${value}`, content: `Ihr Code: ${value}`, contentType: 'text/plain' },
  { subject: `Code ${value}`, content: `<b>${value}</b>` },
  {
    subject: 'Code',
    content: `<b>${value}</b>`,
    contentType: 'text/html',
    replyTo: 'Hilfe <hilfe@acme.test>',
    sendFrom: '{{application.name}} <shop@acme.test>',
  },
];

/** Sends as Logto does; the configuration is the stored one, or the one that is given. */
export const send = async (factory, config, data, getI18nEmailTemplate, inputConfig) => {
  const { rawConnector } = await buildRawConnector(
    factory,
    async () => config,
    undefined,
    getI18nEmailTemplate,
  );
  return rawConnector.sendMessage(data, inputConfig);
};

/**
 * Fields that two mails never share, or that say how it came; `Auto-Submitted` is ours alone, and
 * which transfer encoding a body has changes nothing about what it says.
 */
const apart = new Set([
  'auto-submitted',
  'content-transfer-encoding',
  'date',
  'message-id',
  'received',
]);

/** What a parsed mail says: both connectors must agree on all of it. */
export const read = (mail) => ({
  headers: Object.fromEntries([...mail.headers].filter(([name]) => !apart.has(name))),
  text: mail.html ? undefined : mail.text?.trimEnd(),
  html: mail.html && mail.html.trimEnd(),
  attachments: mail.attachments.length,
});
