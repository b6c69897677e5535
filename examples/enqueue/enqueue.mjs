// Enqueue a job from Node, without a package: five commands over a socket.
//
//   node enqueue.mjs REDIS JOB_ID ENVELOPE_FILE [PUBLIC_JWK_FILE]
//
// REDIS is host:port or the path of a unix socket. With a public key the request is sealed. The
// envelope's kind chooses the queue. Prints the job id; ends with 1 where Redis refuses, with 2 on
// bad arguments, with 4 where Redis cannot be reached.
import crypto from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import { seal } from "./seal.mjs";

const ANSWER_SECONDS = 10;
const fail = (status, text) => {
  console.error(`enqueue.mjs: ${text}`);
  process.exit(status);
};
const read = (file) => {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    return fail(2, `cannot read ${file}: ${error.code}`);
  }
};
const parse = (file) => {
  try {
    return JSON.parse(read(file));
  } catch {
    return fail(2, `${file} is not JSON`);
  }
};

const [redis, job, file, keyFile] = process.argv.slice(2);
if (!file) fail(2, "usage: node enqueue.mjs REDIS JOB_ID ENVELOPE_FILE [PUBLIC_JWK_FILE]");
if (redis.includes("://")) fail(2, "REDIS is host:port or the path of a unix socket, not a URL");
if (!/^[A-Za-z0-9._:-]{1,128}$/.test(job)) fail(2, "a job id is 1 to 128 of A-Z a-z 0-9 . _ : -");

const envelope = parse(file);
const [queue, actor] = String(envelope.kind).startsWith("integration-")
  ? ["integration-updates", "update_integration"]
  : ["credential-tests", "test_credentials"];
const request = keyFile ? seal(read(file), parse(keyFile)) : read(file);
const rid = crypto.randomUUID();
const message = JSON.stringify({
  queue_name: queue,
  actor_name: actor,
  args: [job],
  kwargs: {},
  options: { redis_message_id: rid },
  message_id: job,
  message_timestamp: Date.now(),
});

const command = (...words) =>
  Buffer.concat([
    Buffer.from(`*${words.length}\r\n`),
    ...words.flatMap((word) => [
      Buffer.from(`$${Buffer.byteLength(word)}\r\n`),
      Buffer.from(word),
      Buffer.from("\r\n"),
    ]),
  ]);

const [, host, port] = redis.match(/^([^/]+):(\d+)$/) ?? [];
const socket = host ? net.connect(Number(port), host) : net.connect(redis);
socket.setTimeout(ANSWER_SECONDS * 1000, () => fail(4, "Redis does not answer"));
socket.on("error", (error) => fail(4, `Redis cannot be reached: ${error.code}`));
socket.on("close", () => fail(4, "Redis closed the connection"));
socket.write(
  Buffer.concat([
    command("MULTI"),
    command("SET", `mailvouch:request:${job}`, request, "NX", "EX", "86400"),
    command("HSET", `mailvouch:${queue}.msgs`, rid, message),
    command("RPUSH", `mailvouch:${queue}`, rid),
    command("EXEC"),
  ]),
);

let replies = "";
socket.on("data", (data) => {
  replies += data;
  const refusal = replies.match(/^-([^\r\n]*)/m);
  if (refusal) fail(1, `Redis refuses: ${refusal[1]}`);
  if (/\*3\r\n(\+OK|\$-1)\r\n:\d+\r\n:\d+\r\n$/.test(replies)) {
    console.log(job);
    process.exit(0);
  }
});
