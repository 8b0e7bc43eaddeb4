// A sender that other people wrote: npm's node-hl7-client builds one message and sends it.
// node sender.mjs PORT MODULES ; prints the acknowledgement code as JSON.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [port, modules] = process.argv.slice(2);
const { Client, HL7_2_5 } = await import(pathToFileURL(createRequire(`${modules}/`).resolve('node-hl7-client')));

const message = new HL7_2_5()
  .buildMSH({
    msh_3: 'HIS', msh_4: 'DEMO HOSPITAL', msh_5: 'PORTAL', msh_6: 'RADIOLOGY',
    msh_9_1: 'ADT', msh_9_2: 'A08', msh_10: 'NODE1', msh_11_1: 'P',
  })
  .buildEVN({ evn_1: 'A08' })
  .buildPID({ pid_3: 'P1^^^HOSPITAL^MR', pid_5: 'Lefèvre^Hélène', pid_7: new Date('1980-01-01'), pid_8: 'F' })
  .toMessage();

const client = new Client({ host: '127.0.0.1', version: '2.5' });
const answer = new Promise((resolve) => {
  const connection = client.createConnection({ port: Number(port) }, (res) => resolve(res.getMessage().get('MSA.1').toString()));
  connection.sendMessage(message);
});
console.log(JSON.stringify({ code: await answer }));
process.exit(0);
