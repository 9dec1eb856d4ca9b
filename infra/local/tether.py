"""Run a command that cannot outlive its parent: `tether.py COMMAND …`.

Standard input is the tether: the parent holds the other end of the pipe, and however it ends,
the system closes it. The command then gets SIGTERM, and after a while its whole group SIGKILL.
"""

import os
import signal
import subprocess
import sys
import threading

PATIENCE_SECONDS = 8


def _end_with_parent(child: "subprocess.Popen[bytes]") -> None:
    while os.read(0, 1024):  # sys.stdin has a lock, which a thread must not hold at the end of Python
        pass
    child.terminate()
    try:
        child.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(0, signal.SIGKILL)


def main() -> int:
    """Return the command's exit status."""
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, close_fds=False)  # noqa: S603 - our own command
    threading.Thread(target=_end_with_parent, args=(child,), daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main())
