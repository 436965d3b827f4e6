"""Agents that want to talk to somebody. The addresses are those of listeners that notice a knock."""

from tests.hostile.attack import attacks

__all__ = ["ATTACKS"]

AGAIN = {"again": True}

ATTACKS = attacks("network", [
    ("sockets of every family", "have any socket at all", "ok", """
import socket
for family in range(46):
    for kind in (1, 2, 3, 4, 5, 10):
        try: socket.socket(family, kind)
        except PermissionError: continue
        except OSError as error: return f'ESCAPED {family} {kind} {error}'
        return f'ESCAPED {family} {kind}'
return 'none'""", AGAIN),
    ("TCP", "connect", "refused", """
import socket
socket.create_connection(('127.0.0.1', @TCP@), 1).send(b'x')
return 'ESCAPED'""", AGAIN),
    ("TCP, version 6", "connect by the other protocol", "refused", """
import socket
socket.create_connection(('::1', @TCP6@), 1).send(b'x')
return 'ESCAPED'"""),
    ("UDP", "send a datagram", "refused", """
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', @UDP@))
return 'ESCAPED'""", AGAIN),
    ("Unix socket", "connect to a file", "refused", """
import socket
socket.socket(socket.AF_UNIX).connect('@OPEN@/listener')
return 'ESCAPED'""", AGAIN),
    ("abstract socket", "connect where there is no file", "refused", """
import socket
socket.socket(socket.AF_UNIX).connect('\\0@ABSTRACT@')
return 'ESCAPED'""", AGAIN),
    ("abstract datagram", "send where there is no file", "refused", """
import socket
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', '\\0@ABSTRACT@-datagram')
return 'ESCAPED'"""),
    ("pair of sockets", "have sockets that are connected already", "refused",
     "import socket\nsocket.socketpair()\nreturn 'ESCAPED'"),
    ("a server", "be called", "refused",
     "import socket\nsocket.create_server(('127.0.0.1', 0))\nreturn 'ESCAPED'"),
    ("the pipe as a socket", "have the pipe connect elsewhere", "refused", """
import socket
pipe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=3)
pipe.connect('@OPEN@/listener')
return 'ESCAPED'"""),
    ("files by the pipe", "take a file that the other end may send", "refused", """
import socket
pipe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=3)
return 'ESCAPED' + str(socket.recv_fds(pipe, 10, 5))"""),
    ("a web page", "fetch a page", "refused crash", """
import urllib.request
return 'ESCAPED' + urllib.request.urlopen('http://127.0.0.1:@TCP@/', timeout=1).read().decode()"""),
    ("a name", "ask a name server", "refused crash", """
import socket
return 'ESCAPED' + str(socket.getaddrinfo('example.com', 80))"""),
    ("asyncio", "connect by an event loop", "refused crash", """
import asyncio
asyncio.run(asyncio.open_connection('127.0.0.1', @TCP@))
return 'ESCAPED'"""),
])  # fmt: skip
