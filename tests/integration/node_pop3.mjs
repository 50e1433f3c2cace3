// Fetches a maildrop with Node.js' package node-pop3 into numbered files, as the library hands it over.
// Usage: node node_pop3.mjs LIBRARY PORT CA_FILE USER PASSWORD FOLDER keep|delete
import {createWriteStream, readFileSync} from 'fs';
import {pipeline} from 'stream/promises';

const [library, port, caFile, user, password, folder, what] = process.argv.slice(2);
const {default: Pop3} = await import(`${library}/src/Command.js`);
const session = new Pop3({
  user, password, host: 'localhost', port: Number(port), tls: true, timeout: 60000,
  tlsOptions: {ca: readFileSync(caFile)},
});
for (const [number] of await session.UIDL()) {
  const [, stream] = await session.command('RETR', number);
  await pipeline(stream, createWriteStream(`${folder}/${number.padStart(5, '0')}`));
  if (what === 'delete') {
    await session.DELE(number);
  }
}
await session.QUIT();
