// Enqueue a credential test from Node, without a package: five commands over a socket.
//
//   node enqueue.mjs REDIS JOB_ID ENVELOPE_FILE [PUBLIC_JWK_FILE]
//
// REDIS is host:port or the path of a unix socket. With a public key the request is sealed.
import crypto from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import { seal } from "./seal.mjs";

const [redis, job, file, keyFile] = process.argv.slice(2);
const plain = fs.readFileSync(file);
const request = keyFile ? seal(plain, JSON.parse(fs.readFileSync(keyFile))) : plain;
const rid = crypto.randomUUID();
const message = JSON.stringify({
  queue_name: "credential-tests",
  actor_name: "test_credentials",
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
socket.write(
  Buffer.concat([
    command("MULTI"),
    command("SET", `mailvouch:request:${job}`, request, "NX", "EX", "86400"),
    command("HSET", "mailvouch:credential-tests.msgs", rid, message),
    command("RPUSH", "mailvouch:credential-tests", rid),
    command("EXEC"),
  ]),
);

let replies = "";
socket.on("data", (data) => {
  replies += data;
  if (/^-/m.test(replies)) {
    console.error(replies);
    process.exit(1);
  }
  if (/\*3\r\n(\+OK|\$-1)\r\n:\d+\r\n:\d+\r\n$/.test(replies)) {
    console.log(job);
    socket.end();
  }
});
