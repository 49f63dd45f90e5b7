#!/usr/bin/env bats
# The deploy side beside an ext4, in what tools do with files: posix.table says where they differ, and why. POSIX_PRINT=FILE
# writes the table as it is found.

load lib

# An ext4 of our own, else whatever the tests' directory is on.
mount_ordinary() {
	ORDINARY=$T/ordinary
	mkdir "$ORDINARY"
	truncate -s 32M "$T/ext4"
	mkfs.ext4 -q "$T/ext4" && mount -o loop "$T/ext4" "$ORDINARY" || echo "# no ext4 here: beside $(stat -f -c %T "$T")" >&3
	mkdir "$ORDINARY/d"
	ORDINARY=$ORDINARY/d
}

@test "the deploy side differs from an ordinary filesystem only as the table says" {
	need_root
	mount_ordinary
	mk_plain_config
	start_mount
	python3 "$BATS_TEST_DIRNAME/posix.py" "$BATS_TEST_DIRNAME/posix.table" "$ORDINARY" "$MNT/functions/main-function" \
		${POSIX_PRINT:+print} >"${POSIX_PRINT:-/dev/stdout}"
}

@test "a difference that the table does not have is found, and one that is none" {
	mkdir "$T/one" "$T/two"
	: >"$T/table"
	run -0 python3 "$BATS_TEST_DIRNAME/posix.py" "$T/table" "$T/one" "$T/two"
	[[ $output == *"0 in the table" ]]
	mkdir "$T/three" "$T/four"
	echo "append | \"abcde\" | \"EINVAL\" | reason" >"$T/table"
	run -1 python3 "$BATS_TEST_DIRNAME/posix.py" "$T/table" "$T/three" "$T/four"
	[[ $output == *"append: does not differ any more"* ]]
}
