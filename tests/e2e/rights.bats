#!/usr/bin/env bats
# Who may do what: every user tries every operation. rights.table says what comes of each.

load lib
load rights

setup() { :; }
teardown() { lib_teardown; }

# Everybody else is kept out by the kernel, root among them.
OF_A_USER=(deploy-main mkdir-outside roll-back-main reload reload-signal dry-run-file break-glass
	conf-d-new create-config store-list daemon-kill daemon-trace daemon-memory
	events status why metrics read-artifact read-code)

@test "users and operations: who mounted is an ordinary user" {
	rights_user_setup
	write_scene "${OF_A_USER[@]}"
	python3 "$BATS_TEST_DIRNAME/rights.py" "$BATS_TEST_DIRNAME/rights_user.table" "$T/scene.json" ${RIGHTS_PRINT:+print} >"${RIGHTS_PRINT:-/dev/stdout}"
}

@test "users and operations: who mounted is root" {
	rights_setup
	write_scene
	python3 "$BATS_TEST_DIRNAME/rights.py" "$BATS_TEST_DIRNAME/rights.table" "$T/scene.json" ${RIGHTS_PRINT:+print} >"${RIGHTS_PRINT:-/dev/stdout}"
}
