#!/usr/bin/env bats
# What the benchmark makes of a run: text, Markdown and pictures, from figures that are given. Nothing is measured.

load lib

BENCH=$BATS_TEST_DIRNAME/../bench

# given FILE [EXPRESSION]: a run with a row of each sort, changed by a Python expression on `result`.
given() {
	python3 -B - "$BENCH" "$1" "${2:-None}" <<-'END'
		import json, sys
		sys.path.insert(0, sys.argv[1])
		from measure import Curve, Figure, Row, point
		measured = [
		    Row("cp into a slot", "cp", ("<=", 2.2), [2, 4, 3], [1, 1, 1], limit=([1, 1, 1], "cp itself")),
		    Row("verdict", "", ("<=", 10), [0.02, 0.03, 0.04]),
		    Row("read", "ext4, unpacked", (">=", 0.97), [1, 1, 1], [1, 1, 1], limit=([2, 2, 2], "bare FUSE")),
		    Row("read", "bindfs", (">=", 20), [1, 1, 1], [5, 6, 7], peer=True),
		    Row("read", "bare FUSE", (">=", None), [1, 1, 1], [1, 2, 3], peer=True),
		    Row("read", "fuse-zip", (">=", 20), [], peer=True, problem="not installed"),
		    Figure("costs", "wake-ups", "ours", "switches", [0], budget=0),
		    Figure("costs", "wake-ups", "bindfs", "switches", [12]),
		    Figure("limits", "memory copy", "one core", "GB/s", [9, 10, 11]),
		    *(Curve("time to deploy", "MiB", "s", [point(x, [x / 100, x / 90]) for x in (1, 10, 100)], series=series)
		      for series in ("ours", "theirs")),
		    Curve("uploaders", "uploaders", "a second", [point(x, [x * 10]) for x in (1, 2, 4)], x_log=False)]
		machine = dict.fromkeys(("cpu", "cores", "memory_mib", "kernel", "filesystem", "disk", "libfuse", "openssl", "python",
		                         "node", "java", "runs"), "known") | {"time": "2026-01-01T00:00:00Z", "quick": False}
		result = {"machine": machine, "notes": ["A note."]} | {
		    section: [one.as_json() for one in measured if one.section == section]
		    for section in ("rows", "costs", "limits", "curves")}
		eval(sys.argv[3])
		with open(sys.argv[2], "w") as file:
		    json.dump(result, file)
	END
}

@test "the README's section has each row with its verdict and its limit, peers in columns, costs and limits" {
	given "$T/run.json"
	run -0 "$BENCH/readme" "$T/run.json"
	[[ $output == *"| cp into a slot | cp | 3.00 | 2.00 to 4.00 | ≤ 2.2 | **missed** | 1.00 (cp itself) |"* ]]
	[[ $output == *"| verdict |  | 30 ms | 20 ms to 40 ms | ≤ 10 ms | **missed** |  |"* ]]
	[[ $output == *"| read | ext4, unpacked | 1.00 | 1.00 to 1.00 | ≥ 0.97 | met | 0.50 (bare FUSE) |"* ]]
	[[ $output == *"| read | ≥ 20 | **6.00 (5.00 to 7.00)** | 2.00 (1.00 to 3.00) | not installed |"* ]]
	[[ $output == *"| wake-ups | switches | 0 | ≤ 0, met | bindfs 12 |"* ]]
	[[ $output == *"| memory copy | one core | GB/s | 10 (9 to 11) |"* ]]
	[[ $output == *"results/ratios.svg"*"results/growth.svg"* ]]
	[[ $output == *"* A note."* ]]
}

@test "what was measured quickly is not for the README" {
	given "$T/run.json" 'machine.update(quick=True)'
	run ! "$BENCH/readme" "$T/run.json"
	[[ $output == *"too little to quote"* ]]
}

@test "a row without its figures is an error, not a gap" {
	given "$T/run.json" 'result["rows"][0].pop("median")'
	run ! --separate-stderr "$BENCH/readme" "$T/run.json"
	[[ $stderr == *median* ]]
	run ! --separate-stderr "$BENCH/pictures" "$T/run.json" "$T"
	[[ $stderr == *median* ]]
	[ ! -e "$T/ratios.svg" ]
}

@test "the pictures are well-formed and have the names of rows, places, curves and series, on white" {
	local name
	given "$T/run.json"
	run -0 "$BENCH/pictures" "$T/run.json" "$T"
	[ "$output" = "$T/ratios.svg"$'\n'"$T/growth.svg" ]
	python3 -c 'import sys, xml.dom.minidom as dom; [dom.parse(path) for path in sys.argv[1:]]' "$T/ratios.svg" "$T/growth.svg"
	for name in "cp into a slot" "against cp" "0.33 of 0.45 wanted: MISSED" "missed: bindfs" "ext4, unpacked" "#ffffff"; do
		grep -qF -- "$name" "$T/ratios.svg" || { echo "no $name"; return 1; }
	done
	for name in "time to deploy" ours theirs uploaders "#ffffff"; do
		grep -qF -- "$name" "$T/growth.svg" || { echo "no $name"; return 1; }
	done
	given "$T/run.json" 'result["curves"].clear()'
	run -0 "$BENCH/pictures" "$T/run.json" "$T"
	[ "$output" = "$T/ratios.svg" ]
}

@test "tables and pictures can be made from every run that is kept" {
	local run
	for run in "$BENCH"/results/*.json; do
		run -0 "$BENCH/readme" "$run"
		[[ $output == *"| cp of "* ]]
		run -0 "$BENCH/pictures" "$run" "$T"
		[ -s "$T/ratios.svg" ]
	done
}

@test "a group that is not there is named, and nothing is measured" {
	run -1 "$BENCH/run" "$VOUCHFS" nonsense
	[[ $output == *"no group is called nonsense"* ]]
	run -1 "$BENCH/run"
	[[ $output == *"Usage: tests/bench/run"* ]]
}
