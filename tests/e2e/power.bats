#!/usr/bin/env bats
# The short forms of the power cuts and of the model; `make power` and `make model` are the long ones.

load lib

POWER=$BATS_TEST_DIRNAME/../power/run
MODEL=$BATS_TEST_DIRNAME/../model

# skipped_or_right COMMAND ...: 77 says why it cannot be run here
skipped_or_right() {
	run "$@"
	echo "$output"
	[ "$status" != 77 ] || skip "${lines[-1]}"
	[ "$status" = 0 ]
}

@test "the power goes at some calls of a deployment: old or new, whole; a directory that is not synced is found" {
	skipped_or_right "$POWER" --vouchfs "$VOUCHFS" short
	[[ ${lines[-1]} == *", 0 torn, 0 lost, 0 other" ]]
	[[ ! ${lines[-1]} =~ :\ [0-3]\ points ]]
}

@test "the model of a slot has no violation, and finds what is put in" {
	skipped_or_right "$MODEL/run" short
	[[ $output == *" 0 violations"* ]]
	[ "${lines[-1]}" = "model: 4 seeded bugs of the protocol are found" ]
}

@test "the model's steps are the program's" {
	"$MODEL/steps"
	sed 's/^step_push /step_pull /; s/gate_record_refusal/gate_forget_refusal/' "$MODEL/steps.table" >"$T/table"
	run -1 "$MODEL/steps" "$T/table"
	[[ $output == *"> step_pull"* ]]
	[[ $output == *'step_refusal: src/gate/commit.c has no "void gate_forget_refusal("'* ]]
}
