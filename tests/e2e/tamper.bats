#!/usr/bin/env bats
# A store and its audit log that somebody has changed at rest (tests/tamper): refused, EIO, repaired, or without meaning.
# TAMPER_STRIDE, TAMPER_EVERY, TAMPER_PLACES, TAMPER_SLOTS, TAMPER_BYTES: how much of it; `make tamper` does all.

load lib
load policy

TAMPER=$BATS_TEST_DIRNAME/../tamper
LOOK=${VOUCHFS%/*}/tests/tamper_look
# shellcheck source=tests/tamper/scene.bash
source "$BATS_TEST_DIRNAME/../tamper/scene.bash"

setup() {
	[ -x "$LOOK" ] || skip "tamper_look is not built"
	lib_setup
	export VOUCHFS TAMPER
}

shown() { sed 's/^/# /' "$T/out" >&3; }

# tamper PROGRAM ARGUMENT ...
tamper() {
	local program=$1 status=0
	shift
	python3 "$TAMPER/$program.py" "$@" >"$T/out" 2>&1 || status=$?
	shown
	return "$status"
}

@test "bytes of each file: refused, EIO or repaired, recorded, or without meaning" {
	make_tamper_scene
	tamper flips "$LOOK" "$T" "${TAMPER_STRIDE:-1500}"
}

@test "twelve operators over each file and directory: refused, EIO or repaired, recorded, or without meaning" {
	make_tamper_scene
	tamper structure "$LOOK" "$T" "${TAMPER_EVERY:-20}"
}

@test "the audit log: each line and byte that is changed is named" {
	make_tamper_scene
	tamper logs "$T/snapshot/audit" "$HEAD" "${TAMPER_STRIDE:-400}" "${TAMPER_RECORDS:-4}"
}

@test "random places of a larger store, many slots at once" {
	stop_clock
	mk_config <<-END
		[function f-*]
		code_signing_config = none
	END
	start_mount
	python3 "$TAMPER/large.py" make "$MNT" "${TAMPER_SLOTS:-30}" "${TAMPER_BYTES:-5000}"
	stop_mount
	cp -a "$STORE" "$T/snapshot"
	tamper large sweep "$LOOK" "$T" "${TAMPER_PLACES:-100}"
}

@test "while mounted: a pipe, a link, a swap or a removal below a reader hangs nothing, and no other byte comes" {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" marker=one
	mk_signed "$T/b.zip" marker=two
	cp "$T/a.zip" "$MAIN/a.zip"
	cp "$T/b.zip" "$MNT/functions/relaxed/b.zip"
	run -0 timeout 60 python3 "$TAMPER/mounted.py" "$MNT" "$STORE" "$T/out"
	shown
}
