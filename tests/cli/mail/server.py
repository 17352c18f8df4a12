"""A mail server that tells what it gets, one JSON object a line.

    server.py MODE PORT [CERTIFICATE KEY]

MODE is one of `plain`, `starttls`, `tls`, `hang`, `drop` (the first mail is cut off), `refuse` and
`later` (recipients whose address begins with `bad`), `MAIL=CODE` and `DATA=CODE` (that answer to that
command), `inject=N` (N answers are put behind that of STARTTLS, unencrypted). PORT 0 is any. Mails are
read by Python's own `email` parser.
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


def tell(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


class Handler:
    def __init__(self, mode):
        self.mode = mode
        self.dropped = False

    async def handle_MAIL(self, server, session, envelope, address, options):
        if self.mode.startswith("MAIL="):
            return f"{self.mode[5:]} not from you"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.mode in ("refuse", "later") and address.startswith("bad"):
            return "550 5.1.1 no such user" if self.mode == "refuse" else "451 4.7.1 not now"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.mode.startswith("DATA="):
            return f"{self.mode[5:]} not this"
        if self.mode == "drop" and not self.dropped:
            self.dropped = True
            tell("drop")
            server.transport.abort()
            return "421 never said"
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = [message, *message.walk()]
        tell(
            "mail",
            tls=is_encrypted(server),
            login=session.auth_data,
            sender=envelope.mail_from,
            recipients=envelope.rcpt_tos,
            headers=[[name, str(value)] for name, value in message.items()],
            type=message.get_content_type(),
            text=text_of(message, "plain"),
            html=text_of(message, "html"),
            defects=[repr(defect) for part in parts for defect in part.defects],
            longest=max(map(len, envelope.content.splitlines())),
        )
        return "250 OK"


class Injecting(SMTP):
    """Somebody between the server and us."""

    answers = 0

    async def push(self, status):
        if self.answers and status.startswith("220 Ready"):
            status += "\r\n250 OK" * self.answers
        await super().push(status)


def text_of(message, kind):
    return message.get_body([kind]).get_content().replace("\r\n", "\n")


def is_encrypted(server):
    return server.transport.get_extra_info("ssl_object") is not None


def authenticate(server, session, envelope, mechanism, data):
    login, password = data.login.decode(), data.password.decode()
    tell("login", user=login, password=password, tls=is_encrypted(server))
    return AuthResult(success=password == "hunter22", auth_data=login)


async def hang(reader, writer):
    tell("connect")
    await asyncio.sleep(3600)


async def serve(mode, port, *files):
    context = None
    if files:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*files)
    loop, handler = asyncio.get_running_loop(), Handler(mode)

    def smtp():
        server = Injecting(
            handler,
            hostname="test",
            tls_context=None if mode == "tls" or mode == "plain" else context,
            authenticator=authenticate,
            auth_require_tls=False,
        )
        server.answers = int(mode[7:]) if mode.startswith("inject=") else 0
        return server

    if mode == "hang":
        server = await asyncio.start_server(hang, "127.0.0.1", port)
    else:
        implicit = context if mode == "tls" else None
        server = await loop.create_server(smtp, "127.0.0.1", port, ssl=implicit)
    tell("ready", port=server.sockets[0].getsockname()[1])
    await asyncio.sleep(3600)


asyncio.run(serve(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]))
