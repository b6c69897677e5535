"""Dramatiq on Redis, hardened. Moves jobs and knows no mail.

runner        the worker of one process            dramatiq_command  the same, under Dramatiq's
shard_worker  its parts for one shard              setup        what all parts share
fetcher       from the list to a task, no polling  janitor      heartbeats, recovery, delays
tasks         one task for each message            message      reads messages, tells poison
jobs          start, finish, fail                  results      saved in Redis, else on the disk
failed_job    a job that the queue has to end      retries      jobs whose worker died
slots, seats  how many jobs, parts of jobs, run    turns        retries and large requests in turn
broker        Dramatiq's broker, hardened          long_calls   a silent Redis holds no slot
layout        the Redis keys                       lua/         the scripts: each step is atomic
signals       the main thread waits for them       watchdog     ends a process whose loop hangs
observer      what metrics and logs are told       dead_letters, depth, shard_clients: for operators
"""
