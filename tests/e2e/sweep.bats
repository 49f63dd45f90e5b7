#!/usr/bin/env bats
# A sample of the fault sweep (tests/sweep/run): operations on a real mount with a system call or an allocation that
# kills the daemon or fails. `make sweep` has all of them.

load lib

@test "a fault at some calls and allocations of every operation: old or new, nothing lost, nothing left over" {
	need_root
	run -0 env TMPDIR="$T" "$BATS_TEST_DIRNAME/../sweep/run" "$VOUCHFS"
	[[ ${lines[-1]} == "sweep: "*" 0 violations, "* ]]
	local points=${lines[-1]#sweep: }
	[ "${points%% *}" -gt 60 ]
}

@test "the sweep sees what is wrong: a yes before the release is there, an object that nothing needs, another release on the disk" {
	need_root
	local sweep=("$BATS_TEST_DIRNAME/../sweep/run" "$VOUCHFS" --only "deploy by cp" --fault kill --point "fsync:file,1")
	run -1 env TMPDIR="$T" SWEEP_BREAK=acknowledge "${sweep[@]}"
	[[ $output == *"VIOLATION deploy by cp, kill at fsync:file 1: acknowledged and lost"* ]]
	run -1 env TMPDIR="$T" SWEEP_BREAK=object "${sweep[@]}"
	[[ $output == *"VIOLATION deploy by cp, kill at fsync:file 1: object 00000000 is referred to by []"* ]]
	run -1 env TMPDIR="$T" SWEEP_BREAK=current "${sweep[@]}"
	[[ $output == *"VIOLATION deploy by cp, kill at fsync:file 1: current of functions/main is 99, which is not there"* ]]
	run -0 env TMPDIR="$T" "${sweep[@]}"
}
