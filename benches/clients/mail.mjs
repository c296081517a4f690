// The messages of src/mail.rs.

export function recipient(index) {
  return `user${String(index).padStart(7, '0')}@example.com`;
}

export function payload(index) {
  const code = String((index * 7919) % 1000000).padStart(6, '0');
  const user = `u${String(index).padStart(7, '0')}`;
  const names = `"name":"Sam O'Neil","username":"sam"`;
  const person = `"id":"${user}",${names},"primaryEmail":"${recipient(index)}"`;
  const locales = '"locale":"en-GB","uiLocales":"en-GB en"';
  const portal = '"application":{"id":"a3f8c1d29b07","name":"Example Portal"}';
  const organization = '"organization":{"id":"org4711","name":"Example & Sons"}';
  const inviter = '"inviter":{"id":"u0000001","name":"Kim Example"}';
  return `{"code":"${code}",${locales},${portal},"user":{${person}},${organization},${inviter}}`;
}
