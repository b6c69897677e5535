// BullMQ with nodemailer and imapflow, both accounts at once. `worker`, or its client (driver.py).
const fs = require('node:fs');
const readline = require('node:readline');
const { setTimeout: sleep } = require('node:timers/promises');
const tls = require('node:tls');
const { Queue, QueueEvents, Worker } = require('bullmq');
const { ImapFlow } = require('imapflow');
const nodemailer = require('nodemailer');

const url = new URL(process.env.BENCH_REDIS_URL);
const connection = { host: url.hostname, port: Number(url.port), maxRetriesPerRequest: null };
const timeouts = { connectionTimeout: 60000, greetingTimeout: 60000, socketTimeout: 60000 };

async function logInSmtp({ host, port, security, user, password }, secureContext) {
  const transport = nodemailer.createTransport({
    host, port, secure: security === 'implicit', requireTLS: security === 'starttls',
    name: 'bench.test', auth: { user, pass: password }, tls: { secureContext }, ...timeouts,
  });
  await transport.verify();
  transport.close();
}

async function logInImap({ host, port, security, user, password }, secureContext) {
  const client = new ImapFlow({
    host, port, secure: security === 'implicit', doSTARTTLS: security === 'starttls',
    auth: { user, pass: password }, tls: { secureContext }, logger: false, verifyOnly: true, ...timeouts,
  });
  client.on('error', () => {});
  await client.connect();
}

function work() {
  const secureContext = tls.createSecureContext({ ca: fs.readFileSync(process.env.BENCH_CA_FILE) });
  const probe = async (job) => {
    const ends = await Promise.allSettled([
      logInSmtp(job.data.smtp, secureContext), logInImap(job.data.imap, secureContext),
    ]);
    const [smtp, imap] = ends.map((end) => end.status === 'fulfilled');
    return { smtp, imap };
  };
  const worker = new Worker('bench', probe, {
    connection, concurrency: Number(process.env.BENCH_CONCURRENCY), lockDuration: 120000,
  });
  worker.on('error', console.error);
  process.on('SIGTERM', async () => { await worker.close(true); process.exit(0); });
}

async function drive() {
  const queue = new Queue('bench', { connection });
  const events = new QueueEvents('bench', { connection });
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
  console.log('{}');
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const order = JSON.parse(line);
    const jobs = JSON.parse(fs.readFileSync(order.jobs));
    let started = performance.now();
    if (order.do === 'latency') {
      const milliseconds = [];
      let wrong = 0;
      for (const job of jobs) {
        started = performance.now();
        const result = await (await queue.add('probe', job)).waitUntilFinished(events, 60000);
        wrong += result.smtp && result.imap ? 0 : 1;
        milliseconds.push(performance.now() - started);
        await sleep(order.gap_seconds * (0.5 + Math.random()) * 1000);
      }
      console.log(JSON.stringify({ milliseconds, wrong }));
      continue;
    }
    if (order.do === 'bulk') await queue.addBulk(jobs.map((data) => ({ name: 'probe', data })));
    else for (const job of jobs) await queue.add('probe', job);
    console.log(JSON.stringify({ seconds: (performance.now() - started) / 1000 }));
  }
  process.exit(0);
}

(process.argv[2] === 'worker' ? work : drive)();
