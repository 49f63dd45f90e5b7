#!/usr/bin/env bats
# The daemon's log: every decision is said there, in the journal, on stderr, as text or as JSON, and nobody waits for it.

load lib

CATALOG=$BATS_TEST_DIRNAME/../../conf/systemd/vouchfs.catalog
JOURNALD=/usr/lib/systemd/systemd-journald

setup() {
	lib_setup
	journald_pid=
	journal_mounts=()
}

teardown() {
	lib_teardown
	if [ -n "$journald_pid" ]; then
		kill -CONT "$journald_pid" || true
		kill "$journald_pid" || true
		wait "$journald_pid" || true
	fi
	local dir
	for dir in "${journal_mounts[@]}"; do umount "$dir"; done
}

# start_foreground OPTION ...: the log is in $T/log.
start_foreground() {
	"$VOUCHFS" mount -f -c "$CONF" "$@" "$MNT" 2>"$T/log" 3>&- &
	foreground_pid=$!
	eventually grep -q "serving $CONF on $MNT" "$T/log"
}

# mount_ready OPTION ...: start_ready_mount, but in the foreground
mount_ready() {
	options=("$@")
	start_mount() { start_foreground "${options[@]}"; }
	start_ready_mount </dev/null
}

# One accepted, one refused, one warned: events 2, 3 and 4.
deploy_three() {
	mk_signed "$T/good.zip" app.py='print(1)'
	mk_zip "$T/unsigned.zip" app.py='print(2)'
	cp "$T/good.zip" "$MAIN/"
	run ! cp "$T/unsigned.zip" "$MAIN/"
	cp "$T/unsigned.zip" "$MNT/functions/relaxed/"
}

# More than the journal's socket holds, so that the log's thread waits: events from 2 on.
refuse_many() {
	mk_zip "$T/unsigned.zip" app.py='print(2)'
	local count
	for ((count = 0; count < 40; count++)); do run ! cp "$T/unsigned.zip" "$MAIN/"; done
}

# The audit record with this number, and the SHA-256 of its line.
record() { grep "\"seq\":$1," "$STORE"/audit/*.jsonl; }
head_of() { echo "$1:$(record "$1" | tr -d '\n' | sha256sum | cut -d ' ' -f 1)"; }

# ---- stderr ----

@test "text: a line for each decision, with code, errno, slot, artifact, who and why" {
	mount_ready
	deploy_three
	stop_mount
	wait "$foreground_pid"
	grep -qx "vouchfs: notice: event 1: started: $CONF" "$T/log"
	grep -qx "vouchfs: notice: event 2: accepted: functions/main release 1, good.zip (uid $(id -u), cp)" "$T/log"
	grep -qx "vouchfs: warning: event 3: refused VF2001 (ENOKEY): functions/main, unsigned.zip: .* (uid $(id -u), cp)" "$T/log"
	grep -qx "vouchfs: warning: event 4: warned VF2001: functions/relaxed release 1, unsigned.zip: .*" "$T/log"
	grep -qx "vouchfs: notice: event 5: stopped" "$T/log"
}

@test "--log json: each line is an object, and says what the audit record says" {
	mount_ready --log json
	deploy_three
	stop_mount
	wait "$foreground_pid"
	python3 - "$T/log" "$STORE"/audit/*.jsonl <<-'PYTHON'
		import hashlib, json, sys
		lines = [json.loads(line) for line in open(sys.argv[1])]
		assert all(line["schema"] == 1 and line["time"] and line["level"] and line["message"] for line in lines)
		said = {line["eventId"]: line for line in lines if "eventId" in line}
		raw = open(sys.argv[2]).read().splitlines()
		records = {json.loads(line)["seq"]: json.loads(line) for line in raw}
		assert sorted(said) == sorted(records) == [1, 2, 3, 4, 5], sorted(said)
		for seq, record in records.items():
		    line = said[seq]
		    for key in ("time", "event", "outcome", "reason", "errno", "slot", "artifact", "release", "config",
		                "treeSha256", "profileVersionArn", "jobArn"):
		        if key in record:
		            assert line[key] == record[key], (seq, key, line.get(key), record[key])
		    for key in ("uid", "pid", "command"):
		        assert line.get(key) == record.get("who", {}).get(key), (seq, key)
		    assert line["auditHead"] == f"{seq}:{hashlib.sha256(raw[seq - 1].encode()).hexdigest()}"
		assert [said[i].get("messageId", "")[:8] for i in (1, 2, 3, 4)] == ["", "00766e5b", "ac3d1b34", "89d09c41"]
		assert said[3]["remedy"] and said[3]["detail"]
	PYTHON
}

@test "log = json in the configuration; --log goes before it" {
	VOUCHFS_SECTION='log = json' mount_ready
	eventually grep -q '^{.*"message":"serving ' "$T/log"
	stop_mount
	wait "$foreground_pid"
	start_foreground --log stderr
	grep -q '^vouchfs: notice: serving ' "$T/log"
}

@test "in the background stderr stays where the log was sent there, and goes otherwise" {
	mk_plain_config
	start_mount --log json 2>"$T/log" 3>&-
	eventually grep -q '"message":"serving ' "$T/log"
	[ "$(readlink "/proc/$(supervisor_pid)/fd/2")" = "$T/log" ]
	[ "$(readlink "/proc/$(supervisor_pid)/fd/1")" = /dev/null ]
	stop_mount
	grep -q '"event":"stop"' "$T/log"
	start_mount --log syslog 2>"$T/log" 3>&-
	[ "$(readlink "/proc/$(supervisor_pid)/fd/2")" = /dev/null ]
	[ ! -s "$T/log" ]
}

@test "a target that there is not is a usage error, and one in the configuration an error of it" {
	mk_plain_config
	run -2 start_mount --log jurnal
	[[ $output == *"--log jurnal: expected journal, syslog, stderr, json or auto"* ]]
	VOUCHFS_SECTION='log = jurnal' mk_plain_config
	run -78 start_mount
	[[ $output == *'did you mean "journal"?'* ]]
}

@test "a signing service takes --log, too" {
	mk_account
	mk_profile release >/dev/null
	"$VOUCHFS" signer mount --log json --home "$(home_of)" "$MNT" 2>"$T/log" 3>&-
	eventually grep -q '"message":"serving ' "$T/log"
	"$VOUCHFS" unmount "$MNT"
}

# ---- the journal ----

# A journald of this test's own, which nobody else sees: tests/e2e/run gave us a mount namespace.
start_journald() {
	need_root
	[ -n "${VOUCHFS_E2E_NAMESPACE:-}" ] || skip "needs a mount namespace of its own"
	[ -x "$JOURNALD" ] || skip "no systemd-journald"
	local dir
	for dir in /run/systemd /run/log; do
		mkdir -p "$dir"
		mount -t tmpfs tmpfs "$dir"
		journal_mounts=("$dir" "${journal_mounts[@]}")
	done
	mkdir -p /run/systemd/journal /run/log/journal /run/systemd/journald.conf.d
	printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=16M\nAudit=no\nReadKMsg=no\nRateLimitBurst=0\n' \
		>/run/systemd/journald.conf.d/test.conf
	"$JOURNALD" >"$T/journald" 2>&1 3>&- &
	journald_pid=$!
	eventually test -S /run/systemd/journal/socket
}

# entries OPTION ...: what the journal has, a JSON object a line
entries() { journalctl -q -D /run/log/journal -o json --no-pager "$@"; }
has_entry() { [ "$(entries "$@" | wc -l)" -ge 1 ]; }

@test "in the background the journal gets fields and a message id for each decision" {
	start_journald
	start_ready_mount </dev/null
	deploy_three
	eventually has_entry VOUCHFS_EVENT_ID=4
	entries VOUCHFS_EVENT_ID=3 >"$T/entry"
	python3 - "$T/entry" "$(id -u)" "$(head_of 3)" <<-'PYTHON'
		import json, sys
		entry = json.load(open(sys.argv[1]))
		assert entry["MESSAGE"].startswith("event 3: refused VF2001 (ENOKEY): functions/main, unsigned.zip: "), entry
		for key, value in {
		    "PRIORITY": "4", "SYSLOG_IDENTIFIER": "vouchfs", "MESSAGE_ID": "ac3d1b34934744dca4eecb5a0b16c109",
		    "VOUCHFS_EVENT": "deployment", "VOUCHFS_OUTCOME": "refused", "VOUCHFS_REASON": "VF2001",
		    "VOUCHFS_ERRNO": "ENOKEY", "VOUCHFS_SLOT": "functions/main", "VOUCHFS_ARTIFACT": "unsigned.zip",
		    "VOUCHFS_UID": sys.argv[2], "VOUCHFS_COMMAND": "cp", "VOUCHFS_AUDIT_HEAD": sys.argv[3],
		}.items():
		    assert entry.get(key) == value, (key, entry.get(key), value)
		assert entry["VOUCHFS_REMEDY"] and entry["VOUCHFS_DETAIL"]
	PYTHON
	has_entry MESSAGE_ID=00766e5b670144b1a71d15ab76ed5a8b VOUCHFS_RELEASE=1
	has_entry MESSAGE_ID=89d09c41dcb040969c0a57383510f6d9 VOUCHFS_SLOT=functions/relaxed
	has_entry VOUCHFS_EVENT=start PRIORITY=5
	stop_mount
	eventually has_entry VOUCHFS_EVENT=stop
}

@test "the catalog explains what the journal has, with what to do" {
	start_journald
	mkdir "$T/catalog"
	cp "$CATALOG" "$T/catalog/"
	mount --bind "$T/catalog" /usr/lib/systemd/catalog
	journal_mounts=(/usr/lib/systemd/catalog "${journal_mounts[@]}")
	mkdir -p /var/lib/systemd/catalog
	mount -t tmpfs tmpfs /var/lib/systemd/catalog
	journal_mounts=(/var/lib/systemd/catalog "${journal_mounts[@]}")
	run -0 journalctl --update-catalog
	[ -z "$output" ]
	[ "$(journalctl --list-catalog | wc -l)" = "$(grep -c '^-- ' "$CATALOG")" ]
	start_ready_mount </dev/null
	deploy_three
	eventually has_entry VOUCHFS_EVENT_ID=3
	run -0 journalctl -q -D /run/log/journal --catalog --no-pager VOUCHFS_EVENT_ID=3
	[[ $output == *"functions/main: unsigned.zip was refused (VF2001)"* ]]
	[[ $output == *"What to do: sign "* ]]
	[[ $output != *@VOUCHFS_* ]]
}

@test "a service whose stderr is the journal's writes fields; one that was redirected does not" {
	start_journald
	mk_plain_config
	: >"$T/stream"
	stream=$(stat -c %d:%i "$T/stream")
	JOURNAL_STREAM=$stream "$VOUCHFS" mount -f -c "$CONF" "$MNT" 2>>"$T/stream" 3>&- &
	foreground_pid=$!
	eventually is_mounted
	eventually has_entry VOUCHFS_EVENT=start
	stop_mount
	wait "$foreground_pid"
	[ ! -s "$T/stream" ]
	JOURNAL_STREAM=1:1 "$VOUCHFS" mount -f -c "$CONF" "$MNT" 2>>"$T/stream" 3>&- &
	foreground_pid=$!
	eventually grep -q "event 3: started" "$T/stream"
	run ! has_entry VOUCHFS_EVENT_ID=3
}

@test "a journal that hangs: deployments go on, and the mount ends" {
	start_journald
	start_ready_mount </dev/null
	mk_signed "$T/good.zip" app.py='print(1)'
	kill -STOP "$journald_pid"
	refuse_many
	cp "$T/good.zip" "$MAIN/"
	[ "$(record 42 | grep -c '"outcome":"accepted"')" = 1 ]
	[ -e "$MNT/run/main/task/app.py" ]
	kill -CONT "$journald_pid"
	eventually has_entry VOUCHFS_EVENT_ID=42
	stop_mount
}

@test "a journal that hangs for good does not keep the mount from ending" {
	start_journald
	start_ready_mount </dev/null
	kill -STOP "$journald_pid"
	refuse_many
	timeout 20 "$VOUCHFS" unmount "$MNT"
	no_processes_left
	kill -CONT "$journald_pid"
	start_mount
	kill -STOP "$journald_pid"
	refuse_many
	kill -TERM "$(supervisor_pid)"
	eventually no_processes_left
}

@test "log = journal where there is none: said, and the log goes to stderr" {
	need_root
	[ ! -S /run/systemd/journal/socket ] || skip "there is a journal"
	mount_ready --log journal
	grep -q "warning: log = journal: there is no journal here; the log goes to stderr" "$T/log"
}
