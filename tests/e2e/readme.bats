#!/usr/bin/env bats
# What README.md and the manual pages promise: the table of reasons, the commands, the lines with stock tools.

load lib

TOP=$BATS_TEST_DIRNAME/../..

@test "README and vouchfs-reasons(7) have every reason with its errnos and exit status" {
	python3 - "$TOP" <<-'END'
		import re, sys
		top = sys.argv[1]
		source = " ".join(open(top + "/src/policy/reason.c").read().split())
		rows = re.findall(r'\{"(VF\d+)", "([^"]+)", \w+, (\w+), (\w+), (\d+)\}', source)
		assert len(rows) == source.count('{"VF') >= 11, rows
		readme = [[cell.strip() for cell in line.strip("| \n").split("|")] for line in open(top + "/README.md")]
		table = [tuple(cells) for cells in readme if re.match(r"VF\d+$", cells[0])]
		assert sorted(table) == sorted(rows), set(table) ^ set(rows)
		page = open(top + "/conf/man/vouchfs-reasons.7").read()
		items = {item[:6]: item for item in page.split(".It ")[1:]}
		for code, _, key, permission, status in rows:
		    for word in (key, permission, status + "."):
		        assert word in items[code], (code, word)
	END
}

@test "vouchfs(1) and vouchfs-signer(1) have the commands that --help lists, and no others" {
	"$VOUCHFS" --help >"$T/help"
	python3 - "$TOP/conf/man" "$T/help" <<-'END'
		import re, sys
		listed, group = {}, None
		for line in open(sys.argv[2]):
		    heading = re.match(r"\S.*vouchfs (\w+) \.\.\.:$|Commands:$", line)
		    if heading:
		        group = heading[1] or ""
		    elif group is not None and line.startswith("  "):
		        listed.setdefault(group, set()).add(line.split()[0])
		assert {"", "signer", "lambda"} <= listed.keys() and all(len(names) > 1 for names in listed.values()), listed
		for page, groups in (("vouchfs-signer.1", {"signer"}), ("vouchfs.1", listed.keys() - {"signer"})):
		    expected, found = set(), set()
		    for group in groups:  # AWS's verbs have their sections by their own names, others with the group's
		        expected |= {name if group in ("", "signer", "lambda") else f"{group} {name}" for name in listed[group]}
		    for line in open(f"{sys.argv[1]}/{page}"):
		        words = [word for word in line.split() if word != "Cm"]
		        if line.startswith(".It Cm"):
		            found.add(" ".join(words[1:3]) if " ".join(words[1:3]) in expected else words[1])
		    assert expected == found, (page, expected ^ found)
	END
}

@test "the README's lines with stock tools verify a signed ZIP, and take the signature off again" {
	mk_account
	mk_profile release >/dev/null
	cd "$T"
	mk_zip "$T/hello.zip"
	cp hello.zip unsigned.zip
	sign_zip release hello.zip
	signer "$ACCOUNT" export-trust --directory trust >/dev/null
	sed -n '/readme.bats runs the next block/,/^```$/p' "$TOP/README.md" | sed '1,2d;$d' >lines.sh
	[ "$(wc -l <lines.sh)" = 5 ]
	run -0 --separate-stderr bash -euo pipefail lines.sh
	[[ $output == "$(sed -n 's/^sha384: //p' statement.txt)  signed-range"* ]]
	[ "${lines[1]}" = "$(sed -n 's/^tree-sha256: //p' statement.txt)" ]
	run -0 openssl cms -verify -inform PEM -in "trust/$ACCOUNT.revocations" -CAfile "trust/$ACCOUNT.pem" -purpose any
	[[ $output == *"vouchfs-revocations: 1"* ]]
	zip -z hello.zip </dev/null >/dev/null
	cmp hello.zip unsigned.zip
}

@test "the README's configuration is one" {
	mk_account
	cd "$T"
	signer "$ACCOUNT" export-trust --directory trust >/dev/null
	# shellcheck disable=SC2016 # backticks of Markdown
	sed -n '/^```ini$/,/^```$/p' "$TOP/README.md" | sed '1d;$d' >vouchfs.conf
	run -0 "$VOUCHFS" check-config ./vouchfs.conf
	[[ $output == *"ok: accounts 1, code-signing configs 2, functions 2, layers 0, principals 0" ]]
}

@test "README and src/README.md name files that are there" {
	python3 - "$TOP" <<-'END'
		import os, re, sys
		top, missing = sys.argv[1], []
		for text, roots in (("README.md", [""]), ("src/README.md", ["", "src/", "include/", "src/slots/", "tests/unit/", "tests/e2e/"])):
		    for name in re.findall(r"`([\w.-]+(?:/[\w.-]+)+|\w+\.(?:bats|bash))`", open(f"{top}/{text}").read()):
		        if not name.endswith("...") and re.match(r"(src|include|conf|tests|base|slots|fs|store|gate|policy|cli|config|\.ci)/", name) and not any(
		            os.path.exists(f"{top}/{root}{name}") for root in roots):
		            missing.append((text, name))
		assert not missing, missing
	END
}
