"""Dramatiq on Redis, hardened. Moves jobs and knows no mail.

connections  a Redis URL becomes clients          pipe      one connection, many commands
link         calls that wait until answered       lua/      what happens whole or not at all
layout       where things are in Redis            message   what is ours, what is poison
broker       Dramatiq's broker, for producers     jobs      start, finish, first result wins
places       who may start now                    intake    from the list to a task, no polling
crew         one task for each message            janitor   heartbeats, recovery, delayed messages
setup        what the parts share                 runner    the worker of one process; an example
supervisor   N such processes                     dead_letters, depth  for operators
watchdog     an event loop that stands still      observer  what metrics and logs hear
"""
