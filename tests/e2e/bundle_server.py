"""An HTTPS server with one file and many ways to give it.

usage: bundle_server.py DIRECTORY [PORT]

DIRECTORY has bundle (what is served), cert.pem and key.pem; mode (how; read at each request); the port is written to
port, and each request becomes a line of requests: its path, what it asks by, and the status of the answer.
"""
import email.utils
import hashlib
import http.server
import os
import ssl
import sys
import threading

directory = sys.argv[1]
at_end = threading.Event()


def text_of(name):
    try:
        with open(os.path.join(directory, name)) as f:
            return f.read().strip()
    except FileNotFoundError:
        return ""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, headers=(), body=b""):
        asked = self.headers.get("If-None-Match") or self.headers.get("If-Modified-Since") or "-"
        secrets = [name for name in ("Cookie", "Authorization") if name in self.headers]
        with open(os.path.join(directory, "requests"), "a") as f:
            f.write(f"{self.path} {asked} {status} {self.headers['User-Agent']} {' '.join(secrets)}".rstrip() + "\n")
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if body is not None and not any(name == "Content-Length" for name, _ in headers):
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "seen=1")
        self.end_headers()
        self.wfile.write(body or b"")

    def do_GET(self):
        mode = text_of("mode") or "etag"
        getattr(self, "do_" + mode.replace("-", "_"))()

    def bundle(self):
        with open(os.path.join(directory, "bundle"), "rb") as f:
            return f.read(), email.utils.formatdate(os.fstat(f.fileno()).st_mtime, usegmt=True)

    def do_etag(self):
        body, modified = self.bundle()
        etag = '"' + hashlib.sha256(body).hexdigest() + '"'
        headers = [("ETag", etag), ("Last-Modified", modified)]
        if self.headers.get("If-None-Match") == etag:
            self.answer(304, headers)
        else:
            self.answer(200, headers, body)

    def do_modified(self):
        body, modified = self.bundle()
        if self.headers.get("If-Modified-Since") == modified:
            self.answer(304, [("Last-Modified", modified)])
        else:
            self.answer(200, [("Last-Modified", modified)], body)

    def do_unmarked(self):
        self.answer(200, [], self.bundle()[0])

    def do_large(self):
        self.answer(200, [("Content-Length", str(1 << 30))])

    def do_endless(self):
        """More than it may be, and no word of it before."""
        self.answer(200, [("Connection", "close")], None)
        try:
            while True:
                self.wfile.write(b"x" * 65536)
        except OSError:
            pass
        self.close_connection = True

    def do_slow(self):
        self.answer(200, [("Content-Length", "1000")], b"x")
        at_end.wait()

    def do_missing(self):
        self.answer(404, [], b"no such thing")

    def do_to_http(self):
        self.answer(302, [("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere.zip")])

    def do_to_file(self):
        self.answer(302, [("Location", f"file://{directory}/bundle")])

    def do_to_user(self):
        self.answer(302, [("Location", f"https://a:b@127.0.0.1:{self.server.server_port}/there.zip")])

    def do_around(self):
        """Three redirects are followed, and no more."""
        steps = int(text_of("steps"))
        here = int(self.path.rpartition("?")[2] or 0) if "?" in self.path else 0
        if here < steps:
            self.answer(302, [("Location", f"/policy.zip?{here + 1}")])
        else:
            self.do_etag()


class Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        pass


server = Server(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(os.path.join(directory, "cert.pem"), os.path.join(directory, "key.pem"))
if text_of("tls") == "1.1":
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
with open(os.path.join(directory, "port.new"), "w") as f:
    f.write(str(server.server_port))
os.rename(os.path.join(directory, "port.new"), os.path.join(directory, "port"))
server.serve_forever()
