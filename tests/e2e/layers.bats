#!/usr/bin/env bats
# Layer slots: what publishes a version, under which names, what is refused, and what stays.

load lib

# mount_layers: the layer "base", and any that root makes as team-*
mount_layers() {
	start_ready_mount <<-END
		[layer base]
		[layer team-*]
	END
	BASE=$MNT/layers/base
}

why() { "$VOUCHFS" why -c "$CONF" layers/base; }
last() { getfattr --only-values -n "user.vouchfs.last_$1" "$BASE"; }
records_with() { cat "$STORE"/audit/*.jsonl | grep -c "$1"; }

# make_zips N: a.zip, b.zip ... with different content, unsigned
make_zips() {
	local name
	for name in "$@"; do mk_zip "$T/$name.zip" "python/lib.py=$name"; done
}

@test "each tool publishes a version with the next number, byte for byte" {
	mount_layers
	make_zips a b c d e f g
	cp "$T/a.zip" "$BASE/"
	cp -a "$T/b.zip" "$BASE/lib.zip"
	install -m 0644 "$T/c.zip" "$BASE/lib.zip"
	cp "$T/d.zip" "$T/d2.zip"
	mv "$T/d2.zip" "$BASE/"
	dd if="$T/e.zip" of="$BASE/e.zip" bs=100 status=none
	cat "$T/f.zip" >"$BASE/lib.zip"
	rsync -a "$T/g.zip" "$BASE/"
	[ "$(names_in "$BASE")" = "1.zip 2.zip 3.zip 4.zip 5.zip 6.zip 7.zip" ]
	local n=1 name
	for name in a b c d e f g; do
		cmp "$T/$name.zip" "$BASE/$n.zip"
		((n++))
	done
	[ "$(stat -c %Y "$BASE/2.zip")" = "$(stat -c %Y "$T/b.zip")" ]
	[ "$(stat -c %Y "$BASE/7.zip")" = "$(stat -c %Y "$T/g.zip")" ]
	[ "$(stat -c '%a %s' "$BASE/1.zip")" = "664 $(stat -c %s "$T/a.zip")" ]
	[ "$(records_with '"event":"layer-publication"')" = 7 ]
	[ "$(names_in "$MNT/run/.releases")" = "" ]
	[ -z "$(ls "$STORE/staging")" ]
}

@test "the name that was written is not listed, and takes what tools do after the close" {
	mount_layers
	make_zips a b
	cp "$T/a.zip" "$BASE/lib.zip"
	stat "$BASE/lib.zip"
	cmp "$T/a.zip" "$BASE/lib.zip"
	touch -d @1700000000 "$BASE/lib.zip"
	chmod 0600 "$BASE/lib.zip"
	chown "$(id -u)" "$BASE/lib.zip"
	[ "$(stat -c %Y "$BASE/lib.zip")" = 1700000000 ]
	[ "$(stat -c %Y "$BASE/1.zip")" = 1700000000 ]
	[ "$(names_in "$BASE")" = 1.zip ]
	run -1 touch "$BASE/new" # no name for a version
	cp "$T/b.zip" "$BASE/lib.zip"
	[ "$(names_in "$BASE")" = "1.zip 2.zip" ]
	cmp "$T/b.zip" "$BASE/lib.zip"
	rm "$BASE/lib.zip"
	run -1 stat "$BASE/lib.zip"
	[ "$(names_in "$BASE")" = "1.zip 2.zip" ]
}

@test "content that is published already publishes nothing, so rsync -a is idempotent" {
	mount_layers
	make_zips a b
	mkdir "$T/build"
	cp "$T/a.zip" "$T/b.zip" "$T/build/"
	local i
	for i in 1 2 3; do
		rsync -a "$T/build/" "$BASE/"
		[ "$(names_in "$BASE")" = "1.zip 2.zip" ]
	done
	cp "$T/a.zip" "$BASE/another.zip"
	[ "$(names_in "$BASE")" = "1.zip 2.zip" ]
	[[ $(why) == accepted*"nothing new, the content is that of version 1"* ]]
	[ "$(records_with '"event":"layer-publication"')" = 2 ]
	mkdir "$T/mirror" # the same under their numbers
	rsync -a --include='*.zip' --exclude='*' "$BASE/" "$T/mirror/"
	touch "$T/mirror/1.zip"
	rsync -a "$T/mirror/" "$BASE/"
	[ "$(names_in "$BASE")" = "1.zip 2.zip" ]
}

@test "a number as name is the next one's, and versions are immutable" {
	mount_layers
	make_zips a b c
	cp "$T/a.zip" "$BASE/1.zip"
	run -1 cp "$T/b.zip" "$BASE/3.zip"
	[[ $output == *"Invalid argument"* ]]
	[[ $(why) == *"version 3 would leave a gap: the next one is 2"*"2.zip"* ]]
	[ "$(last outcome)" = refused ]
	run -1 cp "$T/b.zip" "$BASE/02.zip"
	run -1 cp "$T/b.zip" "$BASE/0.zip"
	cp "$T/b.zip" "$BASE/2.zip"
	[[ $(why) == accepted*"published as version 2"* ]]
	run -1 cp "$T/c.zip" "$BASE/2.zip"
	[[ $output == *"File exists"* ]]
	run -1 bash -c "printf x >>'$BASE/2.zip'"
	[[ $output == *"File exists"* ]]
	run -1 truncate -s 0 "$BASE/2.zip"
	run -1 mv "$BASE/2.zip" "$BASE/other.zip"
	[[ $output == *"Operation not permitted"* ]]
	cp "$T/c.zip" "$BASE/.c.tmp"
	run -1 mv "$BASE/.c.tmp" "$BASE/2.zip"
	[[ $output == *"File exists"* ]]
	[[ $(why) == *"version 2 is published already, with other content"* ]]
	cp "$T/a.zip" "$BASE/.a.tmp" # equal content under another number
	run -1 mv "$BASE/.a.tmp" "$BASE/3.zip"
	[[ $output == *"File exists"* ]]
	[[ $(why) == *"published already, as version 1"* ]]
	mv "$BASE/.a.tmp" "$BASE/1.zip"
	mv "$BASE/.c.tmp" "$BASE/3.zip"
	[ "$(names_in "$BASE")" = "1.zip 2.zip 3.zip" ]
	cmp "$T/b.zip" "$BASE/2.zip"
	cmp "$T/c.zip" "$BASE/3.zip"
}

@test "a version that is removed is gone, and its number is not given again, also after a restart" {
	mount_layers
	make_zips a b c
	cp "$T/a.zip" "$T/b.zip" "$BASE/"
	exec 7<"$BASE/2.zip"
	rm "$BASE/2.zip"
	cmp "$T/b.zip" - <&7 # who has it open reads on
	exec 7<&-
	[ "$(names_in "$BASE")" = 1.zip ]
	[ "$(records_with '"event":"layer-version-removed"')" = 1 ]
	run -1 rm "$BASE/2.zip"
	stop_mount
	start_mount
	[ "$(names_in "$BASE")" = 1.zip ]
	run -1 cp "$T/c.zip" "$BASE/2.zip"
	[[ $output == *"Invalid argument"* ]]
	[[ $(why) == *"version 2 was removed"* ]]
	cp "$T/b.zip" "$BASE/" # the content may come again
	[ "$(names_in "$BASE")" = "1.zip 3.zip" ]
	cmp "$T/b.zip" "$BASE/3.zip"
	rm "$BASE"/*.zip
	[ "$(find "$STORE/objects" -name payload | wc -l)" = 0 ]
}

@test "unsigned and unknown signers are accepted; what is not as signed, and no ZIP, is refused" {
	mount_layers
	make_zips a b
	mk_profile other >/dev/null
	mk_zip "$T/other.zip" x=other
	sign_zip other "$T/other.zip" # a profile that no config allows
	mk_signed "$T/tampered.zip" x=0123456789
	cp "$T/a.zip" "$BASE/"
	[[ $(why) == *"who signed it is judged when a function attaches it"*"check source"*"n/a"* ]]
	cp "$T/other.zip" "$BASE/"
	[ "$(getfattr --only-values -n user.vouchfs.outcome "$BASE/2.zip")" = accepted ]
	[[ $(getfattr --only-values -n user.vouchfs.profile_version_arn "$BASE/2.zip") == *"/signing-profiles/other/"* ]]

	printf X | dd of="$T/tampered.zip" bs=1 seek=40 conv=notrunc status=none
	run -1 cp "$T/tampered.zip" "$BASE/"
	[[ $output == *"Bad message"* ]]
	[[ $(why) == "VF1002 refused"*"slot=layers/base"*"what is published, up to version 2"* ]]
	[ "$(last reason)" = VF1002 ]
	[[ $("$VOUCHFS" status -c "$CONF") == *"! base "*" 2 "*"refused VF1002"* ]]

	echo "no ZIP" >"$T/text.zip"
	run -1 cp "$T/text.zip" "$BASE/"
	[[ $output == *"Invalid argument"* ]]
	[[ $(why) == "VF1001 refused"* ]]
	python3 - "$T/a.zip" "$T/crc.zip" <<-'END' # only inflating shows it
		import sys
		content = bytearray(open(sys.argv[1], "rb").read())
		at = content.index(b"PK\1\2") + 16
		assert content[14:18] == content[at:at + 4]
		content[14] ^= 1
		content[at] ^= 1
		open(sys.argv[2], "wb").write(content)
	END
	run -23 rsync "$T/crc.zip" "$BASE/"
	[ "$(last reason)" = VF1001 ]
	[ "$(names_in "$BASE")" = "1.zip 2.zip" ]
	[ "$(records_with '"event":"layer-publication".*"outcome":"refused"')" = 3 ]
	cp "$T/b.zip" "$BASE/"
	[[ $("$VOUCHFS" status -c "$CONF") == *"  base  "*" 3 "*"used by no function"* ]]
	python3 - "$MNT/.vouchfs/status.json" <<-'END'
		import json, sys
		[base] = json.load(open(sys.argv[1]))["layers"]
		assert base["layer"] == "base" and base["versions"] == base["newestVersion"] == 3, base
		assert base["lastOutcome"] == "accepted" and base["publishedAt"], base
		assert base["publishedBy"].endswith(" (cp)") and base["usedBy"] == [], base
	END
}

@test "limits, names, and places where nothing can be written" {
	VOUCHFS_SECTION="max_artifact_size = 4096" mount_layers
	make_zips a
	head -c 5000 /dev/urandom >"$T/big.bin"
	(cd "$T" && zip -q big.zip big.bin)
	run -1 cp "$T/big.zip" "$BASE/"
	[[ $output == *"File too large"* ]]
	[ "$(last reason)" = VF4002 ]
	run -1 cp "$T/a.zip" "$BASE/a.txt"
	[[ $output == *"Invalid argument"* ]]
	run -1 cp "$T/a.zip" "$BASE/layers"
	[[ $output == *"Invalid argument"* ]]
	run -1 cp "$T/a.zip" "$MNT/layers/a.zip"
	run -1 mkdir "$MNT/layers/other"
	[[ $output == *"Permission denied"* ]]
	run -1 rmdir "$BASE"
	[[ $output == *"Operation not permitted"* ]]
	cp "$T/a.zip" "$BASE/a.zip.part"
	run -1 mv "$BASE/a.zip.part" "$MNT/layers/"
	mv "$BASE/a.zip.part" "$BASE/12a.zip" # no number
	[ "$(names_in "$BASE")" = 1.zip ]
	run -1 ln "$BASE/1.zip" "$BASE/2.zip"
	[ "$(names_in "$MNT/layers")" = base ]
	[ "$(names_in "$MNT/.vouchfs/why/layers")" = base ]
	[ "$("$VOUCHFS" why -c "$CONF" layers/base)" = "$(cat "$MNT/.vouchfs/why/layers/base")" ]
	run -1 "$VOUCHFS" why -c "$CONF" layers/bsae
	[[ $output == *"did you mean layers/base?"* ]]
}

@test "a layer under a pattern is made, used, emptied, removed and made again: its numbers go on" {
	mount_layers
	make_zips a b
	mkdir "$MNT/layers/team-x"
	[ "$(names_in "$MNT/layers")" = "base team-x" ]
	cp "$T/a.zip" "$MNT/layers/team-x/"
	run -1 rmdir "$MNT/layers/team-x"
	[[ $output == *"not empty"* ]]
	rm "$MNT/layers/team-x/1.zip"
	rmdir "$MNT/layers/team-x"
	[ "$(names_in "$MNT/layers")" = base ]
	run -1 cp "$T/b.zip" "$MNT/layers/team-x/b.zip"
	stop_mount
	start_mount
	[ "$(names_in "$MNT/layers")" = base ]
	mkdir "$MNT/layers/team-x"
	run -1 "$VOUCHFS" why -c "$CONF" layers/team-x
	[[ $output == *"nothing was"* ]]
	cp "$T/b.zip" "$MNT/layers/team-x/"
	[ "$(names_in "$MNT/layers/team-x")" = 2.zip ]
}

@test "who owns what, and who may publish" {
	need_root
	mk_account
	mk_config <<-END
		[layer base]
		owner = nobody
		group = nogroup
		mode = 0750
	END
	start_mount
	BASE=$MNT/layers/base
	make_zips a b
	chmod 0644 "$T"/*.zip
	[ "$(stat -c '%U %G %a' "$BASE")" = "nobody nogroup 750" ]
	as_user cp "$T/a.zip" "$BASE/"
	cp "$T/b.zip" "$BASE/"
	[ "$(stat -c '%U %G %a' "$BASE/1.zip")" = "nobody nogroup 640" ]
	[ "$(stat -c '%U %G' "$BASE/2.zip")" = "$(id -un) nogroup" ]
	run -1 setpriv --reuid=daemon --regid=daemon --clear-groups cp "$T/b.zip" "$BASE/"
	[[ $output == *"Permission denied"* ]]
}

@test "versions, numbers and the last decision are there after a restart" {
	mount_layers
	make_zips a b c
	cp "$T/a.zip" "$T/b.zip" "$BASE/"
	stop_mount
	start_mount
	[[ $(why) == accepted*"published as version 2"* ]]
	[ "$(names_in "$BASE")" = "1.zip 2.zip" ]
	cmp "$T/b.zip" "$BASE/2.zip"
	run -1 stat "$BASE/b.zip"
	cp "$T/b.zip" "$T/c.zip" "$BASE/"
	[ "$(names_in "$BASE")" = "1.zip 2.zip 3.zip" ]
	python3 - "$T/c.zip" "$STORE" <<-'END' # a byte of the stored payload
		import glob, os, sys
		for path in glob.glob(sys.argv[2] + "/objects/*/*/payload"):
		    content = bytearray(open(path, "rb").read())
		    if open(sys.argv[1], "rb").read().startswith(content):
		        content[20] ^= 1
		        os.chmod(path, 0o600)
		        open(path, "r+b").write(content)
	END
	stop_mount
	start_mount
	run -1 cat "$BASE/3.zip"
	[[ $output == *"Input/output error"* ]]
	cmp "$T/b.zip" "$BASE/2.zip"
}

@test "two publishers at once: every content has a version of its own, and no number is given twice" {
	mount_layers
	local i pids=()
	for i in $(seq 1 12); do mk_zip "$T/a$i.zip" "n=a$i"; mk_zip "$T/b$i.zip" "n=b$i"; done
	for side in a b; do # not by cp, which gives up when another one makes the file just after it looked
		(for i in $(seq 1 12); do cat "$T/$side$i.zip" >"$BASE/lib.zip" || exit; done) 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	[ "$(names_in "$BASE" | wc -w)" = 24 ]
	[ -e "$BASE/24.zip" ]
	[ "$(sha256sum "$BASE"/*.zip | cut -d' ' -f1 | sort)" = "$(sha256sum "$T"/[ab]?*.zip | cut -d' ' -f1 | sort)" ]
	cp "$T/a1.zip" "$BASE/"
	[ "$(names_in "$BASE" | wc -w)" = 24 ]
}

CALLS=60

# What there is when the daemon came back: the numbers, each whole, or what is wrong.
look() {
	start_mount || return
	cmp "$T/a.zip" "$BASE/1.zip" || echo "1.zip is not whole"
	[ ! -e "$BASE/2.zip" ] || cmp "$T/b.zip" "$BASE/2.zip" || echo "2.zip is not whole"
	[ -z "$(ls "$STORE/staging")" ] || echo "left in staging: $(ls "$STORE/staging")"
	names_in "$BASE"
	stop_mount
}

@test "kill -9 and EIO at changing calls of a publication: a whole version or none" {
	mount_layers
	make_zips a b
	cp "$T/a.zip" "$BASE/"
	stop_mount
	cp -a "$STORE" "$T/before"
	local n status=1 found
	for ((n = 1; status != 0; n += ${FAULT_STEP:-3})); do
		rm -rf "$STORE" && cp -a "$T/before" "$STORE"
		VOUCHFS_TEST_FAULT="*:$n:kill" start_mount
		status=0
		cp "$T/b.zip" "$BASE/" 2>/dev/null || status=$?
		if [ "$status" = 0 ]; then stop_mount; else eventually no_processes_left; fi
		found=$(look)
		[ "$found" = "1.zip 2.zip" ] || { [ "$found" = 1.zip ] && [ "$status" != 0 ]; } || {
			echo "killed at call $n: cp exited $status, then found: $found"
			false
		}
	done
	[ "$n" -gt 13 ]
	[ "$n" -lt "$CALLS" ]
	for ((n = 2; n < 26; n += ${FAULT_STEP:-8})); do
		rm -rf "$STORE" && cp -a "$T/before" "$STORE"
		VOUCHFS_TEST_FAULT="*:$n:EIO" start_mount
		status=0
		cp "$T/b.zip" "$BASE/" 2>/dev/null || status=$?
		found=$(names_in "$BASE")
		[ "$status/$found" = "0/1.zip 2.zip" ] || [ "$status/$found" = 1/1.zip ] || {
			echo "EIO at call $n: cp exited $status, then found: $found"
			false
		}
		stop_mount
		[ "$(look)" = "$found" ]
	done
}
