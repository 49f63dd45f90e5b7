#!/usr/bin/env bats
# The example of a hook, conf/hooks/webhook, against a server on the loopback.

load lib

setup() {
	lib_setup
	OUT=$T/out
	mkdir "$T/etc/hooks.d" "$OUT"
	cp "$BATS_TEST_DIRNAME/../../conf/hooks/webhook" "$T/etc/hooks.d/50-webhook"
	chmod 0755 "$T/etc" "$T/etc/hooks.d" "$T/etc/hooks.d/50-webhook"
	server_pid=
}

teardown() {
	if [ -n "$server_pid" ]; then kill "$server_pid" 2>/dev/null || true; fi
	lib_teardown
}

# mount_with_webhook [LINE ...]: lines of [vouchfs]; the log is in $T/log
mount_with_webhook() {
	start_mount() { "$VOUCHFS" mount -c "$CONF" --log stderr "$MNT" 2>"$T/log" 3>&-; }
	VOUCHFS_SECTION=$(printf '%s\n' "$@") start_ready_mount </dev/null
	mk_signed "$T/good.zip" app.py='print(1)'
	mk_zip "$T/unsigned.zip" app.py='print(2)'
}

logged() { grep -q "$1" "$T/log"; }

# A server that keeps what is posted in $OUT/posted and answers STATUS, or never (0).
start_server() {
	python3 - "$1" "$OUT" 3>&- <<-'PYTHON' &
		import http.server, os, sys, time
		class Handler(http.server.BaseHTTPRequestHandler):
		    def do_POST(self):
		        body = self.rfile.read(int(self.headers["Content-Length"]))
		        with open(sys.argv[2] + "/posted.new", "wb") as file:
		            file.write(self.path.encode() + b" " + self.headers["Content-Type"].encode() + b"\n" + body)
		        os.rename(sys.argv[2] + "/posted.new", sys.argv[2] + "/posted")
		        while sys.argv[1] == "0":
		            time.sleep(3600)
		        self.send_response(int(sys.argv[1]))
		        self.send_header("Location", "http://127.0.0.1:1/")
		        self.end_headers()
		    def log_message(self, *_):
		        pass
		server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
		with open(sys.argv[2] + "/port.new", "w") as file:
		    file.write(str(server.server_port))
		os.rename(sys.argv[2] + "/port.new", sys.argv[2] + "/port")
		server.serve_forever()
	PYTHON
	server_pid=$!
	eventually test -e "$OUT/port"
	echo "http://127.0.0.1:$(cat "$OUT/port")/secret" >"$T/etc/webhook.url"
	chmod 0640 "$T/etc/webhook.url"
}

@test "posts what was refused, and nothing of what was accepted" {
	start_server 200
	mount_with_webhook
	cp "$T/good.zip" "$MAIN/"
	run ! cp "$T/unsigned.zip" "$MAIN/"
	eventually test -e "$OUT/posted"
	[ "$(head -n 1 "$OUT/posted")" = "/secret application/json" ]
	cmp <(tail -n +2 "$OUT/posted") <(grep '"seq":3,' "$STORE"/audit/*.jsonl | tr -d '\n')
	stop_mount
	run ! logged "hook 50-webhook"
}

@test "says in the log what went wrong, without the URL" {
	start_server 302
	mount_with_webhook
	run ! cp "$T/unsigned.zip" "$MAIN/"
	eventually logged "hook 50-webhook (event 2): the webhook answered 302"
	eventually logged "hook 50-webhook (event 2) failed: exit status 1"
	kill "$server_pid"
	wait "$server_pid" || true
	run ! cp "$T/unsigned.zip" "$MAIN/"
	eventually logged "hook 50-webhook (event 3): the webhook was not reached: .*Connection refused"
	chmod o+r "$T/etc/webhook.url"
	run ! cp "$T/unsigned.zip" "$MAIN/"
	eventually logged "hook 50-webhook (event 4): $T/etc/webhook.url is not for its owner and group alone"
	run ! logged /secret
}

@test "a server that never answers is given up" {
	start_server 0
	mount_with_webhook 'hooks_timeout = 1s'
	run ! cp "$T/unsigned.zip" "$MAIN/"
	eventually test -e "$OUT/posted"
	eventually logged "hook 50-webhook (event 2) was killed: it took longer than 1 s"
}
