"""Dramatiq on Redis, hardened. Moves jobs and knows no mail.

layout        where things are in Redis            lua/         what happens whole or not at all
message       what is ours, what is poison         jobs         start, finish, first result wins
broker        Dramatiq's broker, hardened          setup        what the parts share
fetcher       from the list to a task, no polling  slots        who may start now
tasks         one task for each message            janitor      beats, recovery, delayed messages
runner        the worker of one process            dramatiq_command  the same, under Dramatiq's
shard_worker  what it does for one shard           failed_job   what the queue says of a job it ends
retries       few at a time, alone at last         turns        over all shards; large requests
results       saved, or kept on the disk           long_calls   a silent Redis holds no slot
signals       heard at every moment                watchdog     an event loop that stands still
observer      what metrics and logs hear
dead_letters, depth, shard_clients                 for operators
"""
