#!/usr/bin/env bats
# That what guards the sources notices what it is there for.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	SOURCES=$(mktemp -d "${TMPDIR:-/tmp}/vouchfs-lint.XXXXXX")
}
teardown() { rm -rf "$SOURCES"; }

# notices LINE: as the only one of a function
notices() {
	printf 'int f(void)\n{\n\t%s\n}\n' "$1" >"$SOURCES/new.c"
	run tests/lint/paths "$SOURCES"
	[ "$status" = 1 ]
	[[ $output == *"$SOURCES/new.c:3: "*"() by a path"* ]]
}

passes() {
	printf 'int f(void)\n{\n\t%s\n}\n' "$1" >"$SOURCES/new.c"
	run tests/lint/paths "$SOURCES"
	[[ $output != *"$SOURCES/new.c"* ]]
}

@test "paths: the sources are as the list says" {
	tests/lint/paths
}

@test "paths: a new open, stat or change by a path is noticed" {
	notices 'int fd = open(path, O_RDONLY | O_CLOEXEC);'
	notices 'return r < 0 ? r : RETRY(openat(dirfd, name, O_PATH));'
	notices 'FILE *file = fopen("/etc/hosts", "r");'
	notices 'if (access(path, R_OK) == 0 && lstat(path, &st) == 0)'
	notices '/* a comment */ DIR *dir = opendir(path); /* * */'
	notices 'r = io_read_path(path, 1, &text);'
}

@test "paths: words, comments and the way that is right are not" {
	passes 'int fd = io_openat(dirfd, name, O_RDONLY, 0);'
	passes '/* never open(path) */ log("access(x) %s", ops->open(x), fuse_open(y));'
	passes 'r = fstat(fd, &st);'
}

@test "paths: a row that nothing needs any more is noticed" {
	run -1 tests/lint/paths "$SOURCES"
	[[ $output == *"paths.list: src/gate/trust.c does not call open() any more"* ]]
}
