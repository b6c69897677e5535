# Enqueue a job from Ruby, with the redis gem (Debian: ruby ruby-redis).
#
#   ruby enqueue.rb REDIS JOB_ID ENVELOPE_FILE
#
# REDIS is host:port or the path of a unix socket. The envelope's kind chooses the queue. Prints the
# job id; ends with 1 where Redis refuses, with 2 on bad arguments, with 4 where Redis cannot be
# reached.
require "json"
require "redis"
require "securerandom"

def fail_with(status, text)
  warn "enqueue.rb: #{text}"
  exit status
end

address, job, file = ARGV
fail_with 2, "usage: ruby enqueue.rb REDIS JOB_ID ENVELOPE_FILE" unless file
fail_with 2, "REDIS is host:port or the path of a unix socket, not a URL" if address.include?("://")
fail_with 2, "a job id is 1 to 128 of A-Z a-z 0-9 . _ : -" unless job.match?(/\A[A-Za-z0-9._:-]{1,128}\z/)
begin
  request = File.read(file)
  envelope = JSON.parse(request)
rescue SystemCallError => error
  fail_with 2, "cannot read #{file}: #{error.message}"
rescue JSON::ParserError
  fail_with 2, "#{file} is not JSON"
end

queue, actor = if envelope["kind"].to_s.start_with?("integration-")
                 %w[integration-updates update_integration]
               else
                 %w[credential-tests test_credentials]
               end
rid = SecureRandom.uuid
message = JSON.generate(
  queue_name: queue, actor_name: actor, args: [job], kwargs: {},
  options: { redis_message_id: rid }, message_id: job, message_timestamp: (Time.now.to_f * 1000).to_i
)

begin
  host, port = address.match(%r{\A([^/]+):(\d+)\z})&.captures
  redis = host ? Redis.new(host: host, port: port.to_i) : Redis.new(path: address)
  redis.multi do |transaction|
    transaction.set("mailvouch:request:#{job}", request, nx: true, ex: 86_400)
    transaction.hset("mailvouch:#{queue}.msgs", rid, message)
    transaction.rpush("mailvouch:#{queue}", rid)
  end
rescue Redis::BaseConnectionError => error
  fail_with 4, "Redis cannot be reached: #{error.message}"
rescue Redis::CommandError => error
  fail_with 1, "Redis refuses: #{error.message}"
end
puts job
