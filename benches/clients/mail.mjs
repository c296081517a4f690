// The messages of src/mail.rs.

export function recipient(index) {
  return `user${String(index).padStart(7, '0')}@example.com`;
}

export function payload(index) {
  const code = String((index * 7919) % 1000000).padStart(6, '0');
  const user = `u${String(index).padStart(7, '0')}`;
  return `{"code":"${code}","locale":"en-GB","uiLocales":"en-GB en","application":{"id":"a3f8c1d29b07","name":"Example Portal"},"user":{"id":"${user}","name":"Sam O'Neil","username":"sam","primaryEmail":"${recipient(index)}"},"organization":{"id":"org4711","name":"Example & Sons"},"inviter":{"id":"u0000001","name":"Kim Example"}}`;
}
