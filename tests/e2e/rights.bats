#!/usr/bin/env bats
# Who may do what: every user tries every operation. rights.table says what comes of each.

load lib
load rights

setup() { :; }
teardown() { lib_teardown; }

@test "users and operations: who mounted is root" {
	rights_setup
	write_scene
	python3 "$BATS_TEST_DIRNAME/rights.py" "$BATS_TEST_DIRNAME/rights.table" "$T/scene.json" ${RIGHTS_PRINT:+print} >"${RIGHTS_PRINT:-/dev/stdout}"
}
