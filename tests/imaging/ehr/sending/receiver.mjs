// A receiver that other people wrote: npm's node-hl7-server answers every message with AA and says what it understood of it.
// node receiver.mjs MODULES ; prints {"port": …}, then a line of JSON for each message, until its input ends.
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { pathToFileURL } from 'node:url';

const [modules] = process.argv.slice(2);
const { Server } = await import(pathToFileURL(createRequire(`${modules}/`).resolve('node-hl7-server')));

const port = await new Promise((resolve) => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const free = probe.address().port;
    probe.close(() => resolve(free));
  });
});

const field = (message, path) => {
  try {
    return message.get(path).toString();
  } catch {
    return '';
  }
};

const inbound = new Server({ bindAddress: '127.0.0.1' }).createInbound({ port }, async (req, res) => {
  const message = req.getMessage();
  const found = ['MSH.9.1', 'MSH.10', 'MSH.18', 'PID.3.1', 'PID.5.1', 'OBR.18', 'OBR.25', 'ORC.1', 'ORC.5'];
  console.log(JSON.stringify({ text: message.toString(), ...Object.fromEntries(found.map((path) => [path, field(message, path)])) }));
  await res.sendResponse('AA');
});
inbound.on('listen', () => console.log(JSON.stringify({ port })));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
