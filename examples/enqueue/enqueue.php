<?php
// Enqueue a job from PHP, with the redis extension (Debian: php-cli php-redis).
//
//   php enqueue.php REDIS JOB_ID ENVELOPE_FILE
//
// REDIS is host:port or the path of a unix socket. The envelope's kind chooses the queue. Prints the
// job id; ends with 1 where Redis refuses, with 2 on bad arguments, with 4 where Redis cannot be
// reached.
declare(strict_types=1);

function fail(int $status, string $text): never
{
    fwrite(STDERR, "enqueue.php: $text\n");
    exit($status);
}

if ($argc < 4) fail(2, "usage: php enqueue.php REDIS JOB_ID ENVELOPE_FILE");
[, $address, $job, $file] = $argv;
if (str_contains($address, "://")) fail(2, "REDIS is host:port or the path of a unix socket, not a URL");
if (!preg_match('/^[A-Za-z0-9._:-]{1,128}$/D', $job)) fail(2, "a job id is 1 to 128 of A-Z a-z 0-9 . _ : -");
$request = @file_get_contents($file);
if ($request === false) fail(2, "cannot read $file");
$envelope = json_decode($request, true);
if (!is_array($envelope)) fail(2, "$file is no JSON object");

[$queue, $actor] = str_starts_with((string) ($envelope["kind"] ?? ""), "integration-")
    ? ["integration-updates", "update_integration"]
    : ["credential-tests", "test_credentials"];
$rid = bin2hex(random_bytes(16));
$message = json_encode([
    "queue_name" => $queue,
    "actor_name" => $actor,
    "args" => [$job],
    "kwargs" => new stdClass(),
    "options" => ["redis_message_id" => $rid],
    "message_id" => $job,
    "message_timestamp" => (int) (microtime(true) * 1000),
]);

try {
    $redis = new Redis();
    [$host, $port] = preg_match('/^([^\/]+):(\d+)$/D', $address, $parts) ? [$parts[1], (int) $parts[2]] : [$address, 0];
    $redis->connect($host, $port, 5.0);
    $replies = $redis->multi()
        ->set("mailvouch:request:$job", $request, ["NX", "EX" => 86400])
        ->hSet("mailvouch:$queue.msgs", $rid, $message)
        ->rPush("mailvouch:$queue", $rid)
        ->exec();
} catch (RedisException $error) {
    $refused = str_starts_with($error->getMessage(), "NOAUTH");
    fail($refused ? 1 : 4, "Redis " . ($refused ? "refuses: " : "cannot be reached: ") . $error->getMessage());
}
// SET answers false where the request is there already: submitted before, so nothing is lost.
if ($replies === false || $replies[1] === false || $replies[2] === false) {
    fail(1, "Redis refuses: " . ($redis->getLastError() ?? "the transaction was not run"));
}
echo $job, "\n";
