#!/usr/bin/env bats
# Who may do what on a host that a policy bundle governs: the rows that differ, and that developers stay under the
# config that the bundle has bound.

load lib
load policy
load rights

setup() { :; }
teardown() { lib_teardown; }

# What is another thing there than on a host without a publisher, and what developers live by.
ROWS=(deploy-team-a deploy-unsigned mkdir-team-a mkdir-outside attach-team-a
	policy-put policy-rollback policy-drift policy-source conf-d-new
	create-config bind unbind create-function-team-a create-function-other create-function-outside)

@test "users and operations under a policy bundle" {
	rights_policy_setup
	write_scene "${ROWS[@]}"
	python3 "$BATS_TEST_DIRNAME/rights.py" "$BATS_TEST_DIRNAME/rights_policy.table" "$T/scene.json" ${RIGHTS_PRINT:+print} >"${RIGHTS_PRINT:-/dev/stdout}"
}
