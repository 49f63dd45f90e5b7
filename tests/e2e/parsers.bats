#!/usr/bin/env bats
# The short form of `make parsers`: what passes the gate is the same tree for every parser that is installed, and what
# tells whether it is tells when it is not.

load lib

JUDGE=$(dirname "$VOUCHFS")/parsers/judge
PARSERS=$BATS_TEST_DIRNAME/../parsers/run

setup() {
	lib_setup
	[ -x "$JUDGE" ] || skip "$JUDGE is not built: make VARIANT=test build-parsers"
}

@test "mutants that pass the gate are the same for every parser, and so are verdicts everywhere" {
	run -0 "$PARSERS" "$JUDGE" --count 200 --seed 7 --keep "$T/differences"
	[[ $output == "parsers: "*" 200 accepted; compared: python 200, unzip 200, bsdtar 200, bsdtar stream 200, "* ]]
	[[ $output == *"; differences 0"* ]]
	[ ! -e "$T/differences" ]
}

# A judge that finds another byte, another name, or refuses everything.
lying_judge() {
	printf '#!/bin/sh\n%s "$@" | sed '\''%s'\''\n' "$JUDGE" "$1" >"$T/judge"
	chmod +x "$T/judge"
	"$PARSERS" "$T/judge" --count 3 --seed 7 --keep "$T/differences"
}

@test "what differs is said, kept, and ends in a failure" {
	run -1 lying_judge 's/\("sha256": *"\)./\1x/'
	[[ $output == *"python: "*" here, "*" there"* && $output == *"unzip: "* && $output == *"bsdtar stream: "* ]]
	[ "$(find "$T/differences" -name '*.zip' | wc -l)" -eq 3 ]
	run -1 lying_judge 's/\("name": *"\)/\1x/'
	[[ $output == *"None there"* ]]
}

@test "a gate that lets nothing through is not taken for agreement" {
	mkdir "$T/none"
	printf '#!/bin/sh\ncd "$1" && for f in *; do printf "{\\"file\\": \\"%%s\\", \\"rule\\": 5}\\n" "$f"; done\n' >"$T/judge"
	chmod +x "$T/judge"
	run -1 timeout 60 "$PARSERS" "$T/judge" --count 3 --seed 7 --tries 100
	[[ $output == *" 0 accepted"* ]]
}
