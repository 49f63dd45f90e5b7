#!/usr/bin/env bats
# The whole host on one screen: as text, as JSON, on a terminal, and of a store that is not mounted.

load lib

# Times, ids, places and this version masked.
mask() {
	sed -E -e "s|$T|HERE|g" -e 's/vouchfs [0-9.]+ /vouchfs V /' -e 's/pid [0-9]+/pid P/' \
		-e 's/[0-9]+ (s|min) (ago)/N s \2/g; s/due in [0-9]+ days/due in N days/' \
		-e 's|release/[A-Za-z0-9]{10}|release/XXXXXXXXXX|' -e 's/ +[0-9]+s / 0s /' \
		-e 's/20[0-9]{2}-[0-9]{2}-[0-9]{2} +[0-9]+d/YYYY-MM-DD  NNNNd/'
}

# main has a layer and a refused last attempt, relaxed serves what is not signed, third is empty.
start_host() {
	start_ready_mount <<-END
		[layer base]
		[function third]
		code_signing_config = none
	END
	mk_signed "$T/a.zip" marker=a
	mk_zip "$T/u.zip" marker=u
	cp "$T/a.zip" "$MAIN/"
	cp "$T/a.zip" "$MNT/layers/base/"
	echo base:1 >"$MAIN/layers"
	cp "$T/u.zip" "$MNT/functions/relaxed/"
	run ! cp "$T/u.zip" "$MAIN/"
}

screen() {
	cat <<-END
		vouchfs V  HERE/etc/vouchfs.conf
		generation 1, loaded N s ago; mounted N s ago, pid P
		revocation list 1 of 111122223333, issued N s ago, the next due in N days
		4 slots: 1 refused, 1 warned, 1 ok, 1 empty
		1 of 1 Warn slots would fail under Enforce
		\`vouchfs why main\` says what was checked last, and what to do

		  FUNCTION             MODE       REL  AGE PUBLISHER          VALID UNTIL
		! main                 Enforce      2 0s release/XXXXXXXXXX YYYY-MM-DD  NNNNd
		    last attempt refused VF2001, N s ago, by $1 with cp
		~ relaxed              Warn         1 0s (unsigned)         -
		    last attempt warned VF2001, N s ago, by $1 with cp
		  third                UNCHECKED    -    - -                  -

		  LAYER                VERSIONS   NEW  AGE PUBLISHER          VALID UNTIL
		  base                 1            1 0s release/XXXXXXXXXX YYYY-MM-DD  NNNNd
		    used by main
	END
}

# What an attempt was refused for is a sentence of its own length, and has a number once it is recorded.
cut_sentences() { sed -E -e 's/(with cp)(, event [0-9]+)?:? ?.*/\1/' -e '/^    (last attempt|used by)/b; /^    /d'; }

@test "the screen, of the command and of the file" {
	start_host
	diff <(screen "$(id -un)") <("$VOUCHFS" status | mask | cut_sentences)
	diff <(screen "uid $(id -u)") <(mask <"$MNT/.vouchfs/status" | cut_sentences)
}

# on_terminal COLUMNS [NAME=VALUE ...]: what status writes to a terminal
on_terminal() {
	local columns=$1
	shift
	env -u NO_COLOR -u COLUMNS TERM=xterm "$@" python3 - "$columns" "$VOUCHFS" status <<-'END'
		import fcntl, os, pty, struct, sys, termios
		pid, fd = pty.fork()
		if pid == 0:
		    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
		    os.execv(sys.argv[2], sys.argv[2:])
		text = b""
		try:
		    while part := os.read(fd, 65536):
		        text += part
		except OSError:
		    pass
		os.waitpid(pid, 0)
		sys.stdout.buffer.write(text.replace(b"\r\n", b"\n"))
	END
}

widest() { sed 's/\x1b\[[0-9;]*m//g' | awk '{ if (length($0) > w) w = length($0) } END { print w + 0 }'; }

@test "80 columns, more where the terminal has more; colour on a terminal that knows it and nowhere else" {
	start_host
	(($("$VOUCHFS" status | widest) <= 80))
	(($(on_terminal 80 | widest) <= 80))
	(($(on_terminal 20 | widest) <= 80))
	local wide
	wide=$(on_terminal 160)
	(($(widest <<<"$wide") > 80 && $(widest <<<"$wide") <= 160))
	[[ $wide == *"LAST ATTEMPT"*"accepted "*" ago by $(id -un) with cp"* ]]
	(($(COLUMNS=160 "$VOUCHFS" status | widest) > 80))

	[[ $(on_terminal 80) == *$'\e[1;31m!'* ]]
	diff <(on_terminal 80 NO_COLOR=1 | mask) <(on_terminal 80 TERM=dumb | mask)
	[[ $(on_terminal 80 NO_COLOR=1) != *$'\e'* ]]
	[[ $(env -u NO_COLOR TERM=xterm "$VOUCHFS" status) != *$'\e'* ]]
}

@test "status.json has what the screen has, and its names stay" {
	start_host
	"$VOUCHFS" status --json >"$T/command.json"
	python3 - "$MNT/.vouchfs/status.json" "$T/command.json" <<-'END'
		import json, sys
		status, command = (json.load(open(path)) for path in sys.argv[1:])
		now = status.pop("now"), command.pop("now")
		assert status == command and status["schema"] == 1
		assert status["mounted"] and status["auditWritable"] and status["configGeneration"] == 1
		main, relaxed, third = status["slots"]
		for row, expected in (
		    (main, {"slot": "main", "mode": "Enforce", "release": 2, "keptReleases": 2, "damaged": False,
		            "blocked": False, "outcome": "accepted", "layers": ["base:1"], "enforceOutcome": "accepted",
		            "lastOutcome": "refused", "lastReason": "VF2001", "lastCommand": "cp"}),
		    (relaxed, {"slot": "relaxed", "mode": "Warn", "outcome": "warned", "reason": "VF2001",
		               "profileVersionArn": None, "expiresAt": None, "enforceOutcome": "refused",
		               "enforceReason": "VF2001"}),
		    (third, {"slot": "third", "mode": "UNCHECKED", "release": 0, "outcome": None, "lastOutcome": None}),
		):
		    assert {key: row[key] for key in expected} == expected, row
		assert main["lastBy"] == f"uid {main['lastUid']} (cp)" and main["profileVersionArn"].startswith("arn:vouchfs:")
		[base] = status["layers"]
		assert base["usedBy"] == ["main"] and base["newestVersion"] == 1
		[account] = status["accounts"]
		assert account["listState"] == "good" and account["listSequence"] == 1
		assert [config["name"] for config in status["codeSigningConfigs"]] == ["Enforce", "Warn"]
	END
}

# All of a store's files with size and time of change.
store_state() { find "$STORE" -printf '%p %y %s %T@ %C@ %i\n' | sort; }

@test "a store that is not mounted: loudly, the same rows, and nothing is changed in it" {
	start_host
	local rows before
	rows() { mask | cut_sentences | sed -n '/FUNCTION/,$p'; }
	rows=$("$VOUCHFS" status | rows)
	stop_mount
	before=$(store_state)
	run -0 "$VOUCHFS" status
	[[ $output == *"!! NOT MOUNTED: nothing is served."* ]]
	[ "$(rows <<<"$output")" = "$rows" ]
	[ "$("$VOUCHFS" status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["mounted"])')" = False ]
	[ "$(store_state)" = "$before" ]
}

@test "a store that cannot be looked at, and a configuration that is none" {
	need_root
	mk_plain_config
	run -1 "$VOUCHFS" status
	[[ $output == *"is not mounted, and its store cannot be looked at: store $STORE cannot be opened: No such file"* ]]
	start_mount
	stop_mount
	cp "$VOUCHFS" "$T/vouchfs"
	chmod 0755 "$T/etc" "$T/etc/trust"
	run -1 as_user "$T/vouchfs" status -c "$CONF"
	[[ $output == *"its store cannot be looked at: store $STORE belongs to user root (uid 0), and this process runs as"*"; look as its owner, or as root" ]]
	echo "[functio main]" >"$CONF"
	run -78 "$VOUCHFS" status
	[[ $output == *"is not mounted"* ]]
}

@test "what is wrong with the host as a whole is loud: a failed reload, a stale list" {
	stop_clock
	start_ready_mount </dev/null
	cp "$CONF" "$T/good.conf"
	echo "[functio main]" >>"$CONF"
	run -78 "$VOUCHFS" reload
	run -0 "$VOUCHFS" status
	[[ $output == *"!! RELOAD FAILED, the configuration before it stays:"*"functio"* ]]
	cp "$T/good.conf" "$CONF"
	"$VOUCHFS" reload
	[[ $("$VOUCHFS" status) != *"!!"* ]]
	move_clock $((40 * 86400))
	[[ $("$VOUCHFS" status) == *"!! REVOCATION LIST of account $ACCOUNT is stale: a new one was due at"* ]]
}

@test "what is blocked, damaged, expired or served without a section says so, and what to do" {
	stop_clock
	start_ready_mount <<-END
		[code-signing-config strict]
		allowed_publisher = arn:vouchfs:signer:local:$ACCOUNT:/signing-profiles/release
		untrusted_artifact_on_deployment = Enforce
		untrusted_artifact_on_load = Enforce
		[function strict]
		code_signing_config = strict
		[function gone]
		code_signing_config = none
	END
	mk_signed "$T/a.zip" marker=a
	mk_signed "$T/b.zip" marker=b
	cp "$T/a.zip" "$MAIN/"
	cp "$T/a.zip" "$MNT/functions/strict/"
	cp "$T/b.zip" "$MNT/functions/gone/"
	sed -i '/^\[function gone\]$/,+1d' "$CONF"
	"$VOUCHFS" reload
	move_clock $((4200 * 86400))
	run -0 "$VOUCHFS" status
	[[ $output == *$'\n! strict '*" EXPIRED"*'    BLOCKED: its files answer "Permission denied": VF2003'* ]]
	[[ $output == *$'\n~ main '*" EXPIRED"*"    would be refused under Enforce: VF2003 the signature expired"* ]]
	[[ $output == *$'\n~ gone '*"NO CONFIG "*"    NO CONFIG: served from before"* ]]
	find "$STORE/objects" -name tree -delete
	stop_mount
	[[ $("$VOUCHFS" status) == *$'\n! main '*"    DAMAGED: what is stored is not what was deployed; deploy it again"* ]]
}

@test "a name that is as long as names may be is not cut" {
	local name
	name=$(printf 'n%.0s' {1..64})
	mk_plain_config 'n*'
	start_mount
	mkdir "$MNT/functions/$name"
	run -0 "$VOUCHFS" status
	[[ $output == *$'\n'"  $name"$'\n'"                       UNCHECKED    -    - -                  -"* ]]
	stop_mount
	[[ $("$VOUCHFS" status) == *$'\n'"  $name"$'\n'* ]]
}
