// The component's description as Logto's metadata.

/**
 * The metadata. The identifier is that of Logto's own SMTP connector, whose place this one takes, so
 * that what is stored for it goes on working. The files lie beside package.json.
 */
export const metadata = ({ id, target, name, description, formItems }) => ({
  id,
  target,
  platform: null,
  name,
  description,
  logo: './logo.svg',
  logoDark: './logo-dark.svg',
  readme: './README.md',
  formItems,
});
