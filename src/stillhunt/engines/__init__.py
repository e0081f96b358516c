"""Where the work on a store's files is done: beside the processes of this machine, on a cluster that the user has.

An engine knows nothing of events. It is given files and two functions, and promises to call them on every file once
as far as anyone can see; what comes of it does not depend on how the files are divided.
"""
