"""Agents that want other processes: to have some, to end some, to read some, to be another user."""

from tests.hostile.attack import attacks

__all__ = ["ATTACKS"]

AGAIN = {"again": True}

ATTACKS = attacks("processes", [
    ("shell", "run a command", "ok refused", """
import os
return 'ESCAPED' if os.system('touch @OPEN@/shell') == 0 else 'no shell'""", AGAIN),
    ("subprocess", "run a program and read it", "refused", """
import subprocess
return 'ESCAPED' + subprocess.check_output(['/bin/ls', '/']).decode()""", AGAIN),
    ("exec", "become another program", "refused", """
import os
os.execv('/bin/sh', ['sh', '-c', 'touch @OPEN@/exec; sleep 99'])""", AGAIN),
    ("posix_spawn", "run a program without fork", "refused", """
import os
os.posix_spawn('/bin/sh', ['sh', '-c', 'touch @OPEN@/spawn'], {})
return 'ESCAPED'"""),
    ("multiprocessing", "have a pool of processes", "refused crash", """
import multiprocessing
with multiprocessing.get_context('fork').Pool(2) as pool: return 'ESCAPED' + str(pool.map(len, ['a']))"""),
    ("a process left behind", "live on after the item", "refused", """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:
            open('@OPEN@/alive', 'a').write('x')
            time.sleep(0.01)
    os._exit(0)
return 'ESCAPED'"""),
    ("kill the parent", "end the process that forks", "refused",
     "import os\nos.kill(os.getppid(), 9)", AGAIN),
    ("kill the driver", "end the search", "refused", "import os\nos.kill(@DRIVER@, 9)", AGAIN),
    ("kill everything", "end whatever it may", "refused", "import os\nos.kill(-1, 9)", AGAIN),
    ("kill the group", "end its whole group", "refused", "import os\nos.killpg(0, 9)"),
    ("stop itself", "be there for ever without running", "refused timeout", """
import os, signal
os.kill(os.getpid(), signal.SIGSTOP)"""),
    ("signal by file ownership", "have the kernel send SIGKILL for it", "refused", """
import fcntl, os, signal
reader, writer = os.pipe()
fcntl.fcntl(reader, 10, signal.SIGKILL)  # F_SETSIG
fcntl.fcntl(reader, fcntl.F_SETOWN, os.getppid())
fcntl.fcntl(reader, fcntl.F_SETFL, os.O_ASYNC)
os.write(writer, b'x')
return 'ESCAPED'"""),
    ("signal by the pipe's owner", "have the broker's answers send SIGIO to the parent", "refused", """
import fcntl, os
fcntl.fcntl(3, fcntl.F_SETOWN, os.getppid())
return 'ESCAPED'"""),
    ("a closed terminal", "take the terminal of whoever started the search", "refused crash", """
import fcntl, os, termios
fcntl.ioctl(os.open('/dev/tty', os.O_RDWR), termios.TIOCSTI, b'x')
return 'ESCAPED'"""),
    ("ptrace", "trace the parent", "refused", """
import ctypes, os
return 'ESCAPED' if ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0 else 'no'""", AGAIN),
    ("memory of the driver", "read its memory by /proc", "refused crash", """
with open('/proc/@DRIVER@/mem', 'rb') as memory: return 'ESCAPED' + str(memory.read(1))""", AGAIN),
    ("memory of its item", "read the item's process from a program", "ok", """
return self.run_python("import os\\n"
    "with open(f'/proc/{os.getppid()}/mem', 'rb') as memory: print('ESCAPED', memory.read(1))")"""),
    ("core file", "leave its memory on disk", "crash", """
import resource
try: resource.setrlimit(resource.RLIMIT_CORE, (10**9, 10**9))
except (OSError, ValueError): pass
import ctypes
ctypes.string_at(1, 1)"""),
    ("higher limits", "raise its own limits", "refused crash", """
import resource
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
return 'ESCAPED'""", AGAIN),
    ("limits of the parent", "lower the parent's limits", "ok refused crash", """
import os, resource
if os.getppid() == 0: return 'no parent'  # and 0 stands for itself
resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (0, 0))
return 'ESCAPED'"""),
    ("setuid", "be root", "refused", "import os\nos.setuid(0)\nreturn 'ESCAPED'", AGAIN),
    ("setuid, all of them", "be root by any other call", "ok", """
import os
for become in (os.setreuid, os.setregid, os.seteuid, os.setegid, os.setgid, os.setresuid, os.setresgid):
    try: become(*[0] * (3 if 'res' in become.__name__ else 2 if 're' in become.__name__ else 1))
    except PermissionError: continue
    return f'ESCAPED {become.__name__}'
return 'none'"""),
    ("groups", "join the group of root", "refused", "import os\nos.setgroups([0])\nreturn 'ESCAPED'"),
    ("setuid program", "leave a program that makes root of whoever runs it", "refused", """
import os
with open('f', 'wb') as f: f.write(b'#!/bin/sh\\nid')
os.chmod('f', 0o4755)
os.execv('f', ['f'])"""),
    ("su", "run a setuid program", "refused",
     "import os\nos.execv('/bin/su', ['su', '-c', 'touch @OPEN@/su'])"),
    ("chroot", "have another root", "refused", "import os\nos.chroot('.')\nreturn 'ESCAPED'"),
    ("priority", "run before all others", "refused", "import os\nos.nice(-10)\nreturn 'ESCAPED'"),
    ("affinity", "take a core for itself", "refused",
     "import os\nos.sched_setaffinity(0, [0])\nreturn 'ESCAPED'"),
])  # fmt: skip
