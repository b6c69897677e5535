"""What makes a running worker of the parts, from its start on.

start             checks everything, becomes serve  keys                the key files that it reads
serve             the supervisor's process          supervisor_settings what that needs of settings
supervisor, slot  keep N children running           spawn               starts one child
child             one worker process                boot, compose       put its parts together
run_directory     the metrics shared by processes   open_files, threads limits of the system
embedded          the embedded Redis                redis_program, ping start it, ask it
append_only_file  keeps ended requests out of it    append_only_repair  after a full disk
under_dramatiq    the same, under Dramatiq's        file_locks          for the two folders
"""
