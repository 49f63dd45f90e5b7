#!/usr/bin/env bats
# `vouchfs report`: one page that says all, that is safe whatever things are called, and that a browser shows.

load lib

setup() {
	lib_setup
	stop_clock
	start_ready_mount <<-END
		[function open]
		code_signing_config = none
	END
	mk_signed "$T/signed.zip"
	mk_zip "$T/plain.zip"
	PAGE=$T/page.html
}

# A host with something of each.
fill() {
	cp "$T/signed.zip" "$MAIN/"
	cp "$T/signed.zip" "$MAIN/"
	run -1 cp "$T/plain.zip" "$MAIN/"
	cp "$T/plain.zip" "$MNT/functions/relaxed/"
	signer "$ACCOUNT" add-profile-permission --profile-name release --action signer:StartSigningJob \
		--principal 555555555555 --statement-id contractors >/dev/null
}

report() { "$VOUCHFS" report --html "$PAGE" "$@"; }

# What a reader of the page sees, on one line; fails where the page is not what it has to be.
seen() { python3 "$BATS_TEST_DIRNAME/html_check.py" "$PAGE" | tr '\n' ' '; }

has() { [[ $SEEN == *"$1"* ]] || { echo "not there: $1"; echo "$SEEN"; return 1; }; }

# The page as a browser has understood it; its complaints on stderr.
browse() {
	HOME=$T/xdg timeout 60 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
		--user-data-dir="$T/chromium" --enable-logging=stderr --dump-dom "file://$1"
}

@test "the page has all its parts, failures first" {
	fill
	report --home "$(home_of)"
	SEEN=$(seen)
	has "vouchfs on $(hostname)"
	has "2 things need attention."
	has "Mounted on $MNT Configuration $CONF"
	has "REFUSED functions/main the last attempt, at $(cat "$T/clock") by uid $(id -u) (cp), VF2001"
	has "To do: vouchfs why functions/main"
	has "UNSIGNED functions/relaxed release 1 is served, and Enforce would refuse it: VF2001"
	has "functions/main REFUSED last Enforce Enforce 2"
	has "Account $ACCOUNT this host's own"
	has "account 555555555555 another account signer:StartSigningJob by statement contractors"
	has "revocation list of account $ACCOUNT"
	has "1 of 2 would be refused."
	has "functions/main 2 releases are kept, release 2 is current"
	[[ $SEEN == *"What needs attention"*"Slots"*"Signers, and who may sign"*"What ends when"*"History"* ]]
}

@test "a host without trouble says so" {
	cp "$T/signed.zip" "$MAIN/"
	report
	SEEN=$(seen)
	has "Nothing needs attention."
	has "Nothing would be refused: all 1 pass."
	has "Who may sign is kept with the keys"
}

@test "whatever an artifact is called, it is text" {
	name=$'"><script>document.title=1<\xe2\x80\xaegpj.&amp;<!--\n\x1b[31m\xff.zip'
	cp "$T/plain.zip" "$MNT/functions/relaxed/$name"
	report
	SEEN=$(seen)
	has '"><script>document.title=1<\u{202e}gpj.&amp;<!--\u{a}\u{1b}[31m'
	run ! grep '<script' "$PAGE"
}

@test "in a browser: the content is there, nothing runs, the style is the page's own" {
	[ -n "$(type -P chromium)" ] || skip "chromium is not installed"
	fill
	cp "$T/plain.zip" "$MNT/functions/relaxed/\"><script>document.title='ran'<img src=x onerror=alert(1)>.zip"
	report --home "$(home_of)"
	browse "$PAGE" >"$T/dom" 2>"$T/log"
	grep -q '<title>(2) vouchfs on' "$T/dom"
	grep -q 'functions/main' "$T/dom"
	grep -q 'another account' "$T/dom"
	grep -q '&lt;script&gt;' "$T/dom"
	run ! grep '<script\|<img' "$T/dom"
	# a style that the policy does not know would be refused, and said
	run ! grep -i 'Content Security Policy' "$T/log"
	# and another one is
	sed 's/color-scheme:light dark/color-scheme:light/' "$PAGE" >"$T/other.html"
	browse "$T/other.html" >/dev/null 2>"$T/log"
	grep -qi 'Content Security Policy' "$T/log"
}

@test "FILE is replaced in one step, 0644 whatever the umask; - is stdout" {
	cp "$T/signed.zip" "$MAIN/"
	(umask 077 && report)
	[ "$(stat -c %a "$PAGE")" = 644 ]
	inode=$(stat -c %i "$PAGE")
	report
	[ "$(stat -c %i "$PAGE")" != "$inode" ]
	[ "$(names_in "$T" | tr ' ' '\n' | grep -c page)" = 1 ]
	"$VOUCHFS" report --html - >"$T/stdout.html"
	cmp "$PAGE" "$T/stdout.html"
	cd "$T"
	"$VOUCHFS" report --html here.html
	cmp "$PAGE" "$T/here.html"
	run -1 "$VOUCHFS" report --html "$T/nowhere/page.html"
	[[ $output == *"the page cannot be written to $T/nowhere/page.html: No such file or directory" ]]
	run -1 "$VOUCHFS" report --html "$MNT"
	run -1 --separate-stderr bash -c '"$1" report --html - >/dev/full' - "$VOUCHFS"
}

@test "of a store that is not mounted, which the page says" {
	fill
	stop_mount
	report
	SEEN=$(seen)
	has "not mounted: this is the store as it lies"
	has "functions/main 2 releases are kept, release 2 is current"
}

@test "history is bounded, and says what was left out" {
	stop_mount
	sed -i 's/^store = .*/&\nkeep_releases = 30/' "$CONF"
	start_mount
	for ((i = 0; i < 22; i++)); do cp "$T/signed.zip" "$MAIN/"; done
	report
	SEEN=$(seen)
	has "functions/main 22 releases are kept, release 22 is current"
	has "2 older releases are kept and not shown here"
	[ "$(grep -c 'data-label="Artifact"' "$PAGE")" = 20 ]
}

@test "--json has what the page has" {
	fill
	run -0 "$VOUCHFS" report --json --home "$(home_of)"
	python3 -c 'import json, sys
report = json.loads(sys.argv[1])
assert report["schema"] == 1 and report["mounted"] and report["host"] and report["mountpoint"] == sys.argv[2]
assert [(a["mark"], a["subject"]) for a in report["attention"]] == [
    ("REFUSED", "functions/main"), ("UNSIGNED", "functions/relaxed")], report["attention"]
assert {s["slot"] for s in report["slots"]} >= {"main", "relaxed", "open"}
publishers = [p for c in report["trust"]["codeSigningConfigs"] for p in c["publishers"]]
assert publishers[0]["profile"]["permissions"][0]["crossAccount"]
assert [s["slot"] for s in report["wouldFailUnderEnforce"]] == ["functions/relaxed"]
assert {e["kind"] for e in report["expires"]} == {"signature", "certificate", "revocation list"}
assert {h["function"]: len(h["releases"]) for h in report["history"]} == {"main": 2, "relaxed": 1}' "$output" "$MNT"
}

@test "either the page or JSON" {
	run -2 "$VOUCHFS" report
	[[ $output == *"either --html FILE or --json"* ]]
	run -2 "$VOUCHFS" report --json --html "$PAGE"
}
