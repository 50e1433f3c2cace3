"""inetd in a page: one process a connection, the socket as its standard input and output.

Usage: inetd.py PORT PROGRAM [ARGUMENT...]
"""

import os
import signal
import socket
import sys


def main():
    port, command = int(sys.argv[1]), sys.argv[2:]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.create_server(("127.0.0.1", port), backlog=64) as listener:
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for number in (0, 1):
                    os.dup2(connection.fileno(), number)
                os.execv(command[0], command)
            connection.close()


main()
