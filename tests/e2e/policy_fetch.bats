#!/usr/bin/env bats
# Policy bundles that are fetched: from where, how often, what of it is refused, and by which process.

load lib
load policy

setup() {
	lib_setup
	WWW=$T/www
	mkdir "$WWW"
	export VOUCHFS_TEST_JITTER=0 # always a tenth early, and at once after a start
	unset "${!https_proxy@}" "${!HTTPS_PROXY@}" "${!all_proxy@}" "${!ALL_PROXY@}"
}

teardown() {
	stop_server
	lib_teardown
}

# ---- the server ----

# mk_certificate DIRECTORY SUBJECT_ALT_NAME: a CA of its own, ca.pem, and what it gave the server
mk_certificate() {
	local name=$2
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=a CA" -days 30 \
		-keyout "$1/ca.key" -out "$1/ca.pem" 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=a server" \
		-keyout "$1/key.pem" -out "$1/csr.pem" 2>/dev/null
	openssl x509 -req -in "$1/csr.pem" -CA "$1/ca.pem" -CAkey "$1/ca.key" -CAcreateserial -days 30 \
		-extfile <(echo "subjectAltName=$name") -out "$1/cert.pem" 2>/dev/null
}

start_server() {
	[ -e "$WWW/cert.pem" ] || mk_certificate "$WWW" IP:127.0.0.1
	rm -f "$WWW/port"
	python3 "$BATS_TEST_DIRNAME/bundle_server.py" "$WWW" "$@" 3>&- 2>"$WWW/errors" &
	SERVER=$!
	eventually test -s "$WWW/port"
	PORT=$(cat "$WWW/port")
}

stop_server() {
	[ -z "${SERVER:-}" ] || kill "$SERVER" 2>/dev/null || true
	[ -z "${SERVER:-}" ] || wait "$SERVER" 2>/dev/null || true
	SERVER=
}

serve_as() { echo "$1" >"$WWW/mode"; }
offer() { cp "$1" "$WWW/new" && mv "$WWW/new" "$WWW/bundle"; }
# asked_at_least COUNT STATUS: as often has the server answered so
asked_at_least() { [ "$(grep -c " $2 vouchfs" "$WWW/requests")" -ge "$1" ]; }
asked() { grep -c " $1 vouchfs" "$WWW/requests" || true; }

# ---- the host ----

start_mount() { "$VOUCHFS" mount -c "$CONF" --log stderr "$MNT" 2>>"$T/log" 3>&-; }
logged() { grep -q "$1" "$T/log"; }
times_logged() { grep -c "$1" "$T/log" || true; }
fetcher_pid() { pgrep -x vouchfs-fetch -P "$(supervisor_pid)"; }
is_in_force() { [ "$(policy_sequence)" = "$1" ]; }
told() { grep -q "^fetch-error: .*$1" "$MNT/.vouchfs/policy/source"; }
told_nothing() { ! grep -q "^fetch-error: ." "$MNT/.vouchfs/policy/source"; }
has_ended() { [ ! -e "/proc/$1" ] || grep -q '^State:.*zombie' "/proc/$1/status"; }
refusals() { cat "$STORE"/audit/*.jsonl | grep -c '"outcome":"refused"' || true; }

has_refusals() { [ "$(refusals)" = "$1" ]; }

# mount_with_source INTERVAL [LINE ...]: of https://127.0.0.1, with lines of [policy]
mount_with_source() {
	local interval=$1
	shift
	[ -n "${SERVER:-}" ] || start_server
	POLICY_SECTION=$(printf '%s\n' "source = https://127.0.0.1:$PORT/policy.zip" "source_ca = $WWW/ca.pem" \
		"poll_interval = $interval" "$@")
	make_policy_host
	start_mount
}

@test "a bundle is taken, asked for by its ETag from then on, and the next one is taken when it is there" {
	start_server
	serve_as missing
	mount_with_source 1s
	pack_policy 1
	offer "$T/policy-1.zip"
	serve_as etag
	eventually is_in_force 1
	eventually told_nothing
	eventually asked_at_least 2 304
	[ "$(asked 200)" = 1 ]
	[ "$(times_logged "was fetched")" = 1 ]
	pack_policy 2
	offer "$T/policy-2.zip"
	eventually is_in_force 2
	[ "$(asked 200)" = 2 ]
	# nobody but the server's own name for what it has comes back to it
	run ! grep -E 'Cookie|Authorization' "$WWW/requests"
	grep -q "^fetched-at: " "$MNT/.vouchfs/policy/source"
	local pid
	pid=$(fetcher_pid)
	stop_mount
	has_ended "$pid"
	no_processes_left
}

@test "a server without ETags is asked by the time, and one without either is read and compared" {
	start_server
	serve_as missing
	mount_with_source 1s
	pack_policy 1
	offer "$T/policy-1.zip"
	serve_as modified
	eventually is_in_force 1
	eventually asked_at_least 1 304
	grep -qE '^/policy.zip ..., .* GMT 304 ' "$WWW/requests"
	serve_as unmarked
	touch -d yesterday "$WWW/bundle"
	eventually asked_at_least 3 200
	[ "$(times_logged "was fetched")" = 1 ]
	[ "$(times_logged "accepted: policy release")" = 1 ]
}

@test "a bundle that is refused is written once, until the source has another one or somebody asks" {
	mk_zip "$T/unsigned.zip" policy.conf='[policy]'
	start_server
	offer "$T/unsigned.zip"
	mount_with_source 1s
	eventually told "VF2001"
	eventually asked_at_least 2 304
	[ "$(refusals)" = 1 ]
	[ -z "$(ls -A "$MNT/policy")" ]
	told "the bundle was refused: Required key not available: VF2001 source mismatch: no signature"
	serve_as unmarked
	eventually asked_at_least 3 200
	[ "$(refusals)" = 1 ]
	[ "$(times_logged "policy: the bundle was refused: .*VF2001")" = 1 ]
	run -1 "$VOUCHFS" policy fetch
	[[ $output == *"VF2001"* ]]
	eventually has_refusals 2 # a look that had begun before it was asked for does not count
	echo "no ZIP" >"$T/garbage"
	offer "$T/garbage"
	eventually told "VF1001"
	has_refusals 3
	pack_policy 3
	offer "$T/policy-3.zip"
	eventually is_in_force 3
	eventually told_nothing
	# what is replayed is refused where it is written, as anybody's
	pack_policy 2
	offer "$T/policy-2.zip"
	eventually told "VF5002"
	is_in_force 3
}

@test "what is too large, too slow, elsewhere or not there is not fetched" {
	export VOUCHFS_TEST_FETCH_LIMIT=1
	start_server
	serve_as missing
	mount_with_source 1h
	pack_policy 1
	offer "$T/policy-1.zip"
	fails_with() {
		serve_as "$1"
		run -1 "$VOUCHFS" policy fetch
		[[ $output == *"$2"* ]] || { echo "$1: $output"; return 1; }
	}
	fails_with missing "the server answered with status 404"
	fails_with large "larger than the 8388608 bytes"
	fails_with endless "larger than the 8388608 bytes"
	fails_with slow "timed out"
	fails_with to-http "a redirect is followed to https alone"
	fails_with to-file "a redirect is followed to https alone"
	fails_with to-user "https://127.0.0.1"
	echo 4 >"$WWW/steps"
	fails_with around "what the redirects lead to"
	run ! grep -E '^/(elsewhere|there)' "$WWW/requests"
	[ -z "$(ls -A "$MNT/policy")" ]
	echo 3 >"$WWW/steps"
	serve_as around
	run -0 "$VOUCHFS" policy fetch
	[[ $output == "policy bundle 1 is in force"* ]]
}

@test "a server is who its certificate says by the CA that is named, and speaks TLS 1.2" {
	mk_certificate "$WWW" DNS:localhost
	start_server
	mount_with_source 1h
	pack_policy 1
	offer "$T/policy-1.zip"
	use_source() {
		sed -i "s|^source = .*|source = $1|; s|^source_ca = .*|source_ca = $2|" "$CONF"
		"$VOUCHFS" reload >/dev/null
	}
	run -1 "$VOUCHFS" policy fetch
	[[ $output == *"source_ca names the file with another CA"* ]] # another name
	mkdir "$T/other"
	mk_certificate "$T/other" DNS:localhost
	use_source "https://localhost:$PORT/policy.zip" "$T/other/ca.pem"
	run -1 "$VOUCHFS" policy fetch
	[[ $output == *"source_ca names the file with another CA"* ]]
	: >"$T/other/empty.pem"
	use_source "https://localhost:$PORT/policy.zip" "$T/other/empty.pem"
	run -1 "$VOUCHFS" policy fetch
	[[ $output == *"source_ca has to be a PEM file"* ]]
	stop_server
	echo 1.1 >"$WWW/tls"
	start_server "$PORT"
	use_source "https://localhost:$PORT/policy.zip" "$WWW/ca.pem" # a reload looks there at once
	run -1 "$VOUCHFS" policy fetch
	[[ $output == *"https://localhost"*protocol* ]] || { echo "$output"; return 1; }
	[ ! -e "$WWW/requests" ]
	stop_server
	rm "$WWW/tls"
	start_server "$PORT"
	run -0 "$VOUCHFS" policy fetch
	is_in_force 1
}

@test "a server that was away is found soon after it comes back" {
	start_server
	serve_as missing
	mount_with_source 1s
	pack_policy 1
	offer "$T/policy-1.zip"
	serve_as etag
	stop_server
	eventually told "Failed to connect\|Couldn't connect"
	start_server "$PORT"
	eventually is_in_force 1
	eventually told_nothing
	logged "what was wrong is over"
}

@test "a file is a source, too: taken, replaced, gone" {
	POLICY_SECTION=$(printf '%s\n' "source = file://$T/share/policy.zip" "poll_interval = 1s")
	mkdir "$T/share"
	make_policy_host
	start_mount
	eventually told "No such file or directory"
	pack_policy 1
	cp "$T/policy-1.zip" "$T/share/policy.zip"
	eventually is_in_force 1
	pack_policy 2
	cp "$T/policy-2.zip" "$T/share/.new"
	mv "$T/share/.new" "$T/share/policy.zip"
	eventually is_in_force 2
	eventually told_nothing
	rm "$T/share/policy.zip"
	eventually told "No such file or directory"
	is_in_force 2
}

@test "who fetches is nobody in particular, without privileges, and reads no store" {
	need_root
	start_server
	pack_later() { pack_policy 1 && offer "$T/policy-1.zip"; }
	serve_as missing
	mount_with_source 1h
	pack_later
	serve_as etag
	"$VOUCHFS" policy fetch
	local pid
	pid=$(fetcher_pid)
	[ "$(stat -c %U "$MNT/policy")" = nobody ]
	grep -qP "^Uid:\t$(id -u nobody)\t$(id -u nobody)\t$(id -u nobody)\t" "/proc/$pid/status"
	grep -qP "^Gid:\t$(id -g nobody)\t" "/proc/$pid/status"
	grep -qP '^Groups:\s*$' "/proc/$pid/status"
	[ "$(grep -cP '^Cap(Inh|Prm|Eff|Bnd|Amb):\t0+$' "/proc/$pid/status")" = 5 ]
	grep -qP '^NoNewPrivs:\t1$' "/proc/$pid/status"
	grep -qP '^Seccomp:\t2$' "/proc/$pid/status"
	nobody_looks_into "$pid"
	run -2 as_user ls "$STORE"
	[[ $output == *"Permission denied"* ]]
	# nothing of the mount, of the daemon or of the supervisor is open, nor do they lend it their environment
	[ -z "$(find "/proc/$pid/fd" -lname "$T/mnt*" -o -lname '/dev/fuse' -o -lname "$STORE*")" ]
	[ "$(find "/proc/$pid/fd" -lname 'socket:*' | wc -l)" = 0 ]
	[ "$(ps -o sid= -p "$pid" | tr -d ' ')" = "$pid" ]
	run ! grep -qz -e '^HOME=' -e '^PATH=' "/proc/$pid/environ"
	tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q -- "--source https://127.0.0.1:$PORT/policy.zip"
}

@test "another user fetches where one is named; never who serves" {
	need_root
	start_server
	serve_as missing
	mount_with_source 1h 'source_user = daemon'
	eventually told 404
	[ "$(ps -o user= -p "$(fetcher_pid)")" = daemon ]
	[ "$(stat -c %U "$MNT/policy")" = daemon ]
	pack_policy 1
	offer "$T/policy-1.zip"
	serve_as etag
	"$VOUCHFS" policy fetch
	is_in_force 1
	stop_mount
	sed -i 's/^store = .*/&\nuser = daemon/' "$CONF"
	chown -R daemon "$STORE"
	start_mount
	eventually told "user daemon .* serves, whose the store is, and does not fetch"
	run ! fetcher_pid
	run -1 "$VOUCHFS" policy fetch
	[[ $output == *"whose the store is"* ]]
}

@test "a reload starts it, changes it, ends it" {
	need_root
	POLICY_SECTION='poll_interval = 1h'
	make_policy_host
	start_mount
	run ! fetcher_pid
	run -1 "$VOUCHFS" policy fetch
	[[ $output == *"nothing is fetched here"* ]]
	start_server
	pack_policy 1
	offer "$T/policy-1.zip"
	sed -i "s|^poll_interval.*|&\nsource = https://127.0.0.1:$PORT/policy.zip\nsource_ca = $WWW/ca.pem|" "$CONF"
	"$VOUCHFS" reload
	eventually is_in_force 1
	local pid
	pid=$(fetcher_pid)
	"$VOUCHFS" reload
	eventually asked_at_least 2 200
	[ "$(fetcher_pid)" = "$pid" ]
	pack_policy 2
	cp "$T/policy-2.zip" "$T/two.zip"
	sed -i "s|^source = .*|source = file://$T/two.zip|; /^source_ca/d" "$CONF"
	"$VOUCHFS" reload
	has_ended "$pid"
	eventually is_in_force 2
	pid=$(fetcher_pid)
	sed -i '/^source = /d' "$CONF"
	"$VOUCHFS" reload
	eventually has_ended "$pid"
	logged "nothing is fetched any more"
	is_in_force 2
}

@test "it is started again when it dies, and goes with who has started it" {
	start_server
	serve_as missing
	mount_with_source 1h
	eventually fetcher_pid
	eventually told 404
	local pid
	pid=$(fetcher_pid)
	kill -KILL "$pid"
	eventually told "vouchfs-fetch was ended by signal 9; it is started again in 1 s"
	is_another() { [ -n "$(fetcher_pid)" ] && [ "$(fetcher_pid)" != "$pid" ]; }
	eventually is_another
	eventually told 404
	pid=$(fetcher_pid)
	kill -KILL "$(supervisor_pid)"
	eventually has_ended "$pid"
}

@test "where it is not installed the mount serves, and says what to install" {
	[ ! -e /usr/local/libexec/vouchfs/vouchfs-fetch ] || skip "it is installed here"
	mkdir "$T/bin"
	cp "$VOUCHFS" "$T/bin/vouchfs"
	FETCH=$(dirname "$VOUCHFS")/vouchfs-fetch
	VOUCHFS=$T/bin/vouchfs
	mount_with_source 1h
	eventually told "vouchfs-fetch is not installed"
	logged "nothing is fetched: vouchfs-fetch is not installed"
	pack_policy 1
	cp "$T/policy-1.zip" "$MNT/policy/"
	is_in_force 1
	offer "$T/policy-1.zip"
	mkdir -p "$T/libexec/vouchfs"
	cp "$FETCH" "$T/libexec/vouchfs/"
	run -0 "$VOUCHFS" policy fetch
	fetcher_pid
}

@test "a source with a password in it is refused before anybody sees it" {
	POLICY_SECTION='source = https://me:word@127.0.0.1/policy.zip'
	make_policy_host
	run -78 start_mount
	logged "expected a URL without a user name or a password"
	run ! logged me:word
	need_root
	cp "$(dirname "$VOUCHFS")/vouchfs-fetch" "$T/"
	run -78 as_user "$T/vouchfs-fetch" --source https://me:word@127.0.0.1/ --interval 1s "$T"
	[[ $output == *"leave it out"* && $output != *me:word* ]]
}

@test "in a user's own mount it is that user" {
	FETCH=$(dirname "$VOUCHFS")/vouchfs-fetch
	need_user_mounts
	cp "$FETCH" "$T/"
	# shellcheck disable=SC2034 # policy.bash reads it
	POLICY_SECTION=$(printf '%s\n' "source = file://$T/policy-1.zip" "poll_interval = 1h")
	make_policy_host
	pack_policy 1
	chmod -R a+rX "$T/policy-1.zip" "$T/etc"
	chown -R nobody "$T/etc" "$MNT" "$T/xdg"
	mkdir -m 0700 "$STORE" && chown nobody "$STORE"
	as_user "$VOUCHFS" mount -c "$CONF" --log stderr "$MNT" 2>"$T/log" 3>&- || { cat "$T/log"; return 1; }
	eventually as_user grep -q '^sequence: 1' "$MNT/.vouchfs/policy/status"
	as_user "$VOUCHFS" unmount "$MNT"
	no_processes_left
}
