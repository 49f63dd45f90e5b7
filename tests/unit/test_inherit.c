/* What a daemon that takes over a mount makes of the nodes that the kernel has from the one before. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/slots/inherit.h"
#include "../../src/slots/run_node.h"
#include "slots_fixture.h"

#define TEAM "functions/team-x"

/* What the first daemon tells of itself before it is gone. */
struct told {
	uint64_t nodes[8];
};

/* The first daemon of a mount, in a process that ends without a word. The next one is to be started. */
static struct told let_die(struct slots_fixture *f, void (*live)(struct slots_fixture *f, struct told *told))
{
	struct told *told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	assert_true(told != MAP_FAILED);
	slots_fixture_stop(f);
	f->memory = (struct tree_memory){.fd = memfd_create("memory", MFD_CLOEXEC), .incarnation = 1};
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		slots_fixture_start(f);
		live(f, told);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	struct told copy = *told;
	assert_int_equal(munmap(told, sizeof(*told)), 0);
	return copy;
}

static void start_next(struct slots_fixture *f)
{
	f->memory.incarnation++;
	slots_fixture_start(f);
}

static void take_over(struct slots_fixture *f)
{
	buf_reset(&f->pushed);
	slots_take_over(f->slots);
	inherit_await(f->slots);
}

static int teardown(void **state)
{
	struct slots_fixture *f = *state;
	int fd = f->memory.fd;
	int r = slots_fixture_teardown(state);
	if (fd > 0)
		(void)close(fd);
	return r;
}

static uint64_t deploy_node(struct slots_fixture *f, const char *path)
{
	struct slots_attr attr;
	assert_int_equal(slots_fixture_deploy_path(f, path, &attr), 0);
	return attr.node;
}

static uint64_t run_node_of(struct slots_fixture *f, const char *path)
{
	struct slots_attr attr;
	assert_int_equal(slots_fixture_run_path(f, path, &attr), 0);
	return attr.node;
}

static void assert_reads(struct slots_fixture *f, uint64_t node, const char *expected)
{
	struct run_data data;
	assert_int_equal(run_read(f->slots, node, 100, 0, &data), 0);
	assert_int_equal(data.len, strlen(expected));
	assert_memory_equal(data.bytes, expected, data.len);
	run_data_done(&data);
}

static void assert_pushed(struct slots_fixture *f, const char *how, uint64_t node, const char *rest)
{
	char line[128];
	(void)snprintf(line, sizeof(line), "%s %llu%s\n", how, (unsigned long long)node, rest);
	gate_fixture_assert_says(&f->pushed, line);
}

static bool has_been_pushed(struct slots_fixture *f, const char *part)
{
	return f->pushed.data && f->pushed.len > 0 && strstr(f->pushed.data, part);
}

/* ---- the deploy side ---- */

static void look_at_slots(struct slots_fixture *f, struct told *told)
{
	assert_int_equal(slots_fixture_mkdir(f, "functions", "team-x"), 0);
	slots_fixture_deploy(f, "team-x", "one");
	told->nodes[0] = deploy_node(f, "functions/main");
	told->nodes[1] = deploy_node(f, "functions/relaxed");
	told->nodes[2] = deploy_node(f, TEAM);
	told->nodes[3] = deploy_node(f, TEAM "/a.zip");
	told->nodes[4] = deploy_node(f, ".vouchfs/why/functions/team-x");
	told->nodes[5] = deploy_node(f, ".vouchfs/history/functions/team-x");
}

/* Sections before and after it, and one that is gone: the nodes of the others are theirs. */
static void a_slot_keeps_its_node(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = let_die(f, look_at_slots);
	slots_fixture_configure(f, "",
				"[code-signing-config approved]\nallowed_publisher = " GATE_FIXTURE_ARN "\n"
				"[function aaa]\ncode_signing_config = approved\n[function "
				"relaxed]\ncode_signing_config = approved\n[function zzz]\ncode_signing_config = "
				"approved\n[function team-*]\ncode_signing_config = approved\n");
	start_next(f);
	struct slots_attr attr;
	assert_int_equal(deploy_node(f, "functions/relaxed"), told.nodes[1]);
	assert_int_equal(deploy_node(f, TEAM), told.nodes[2]);
	uint64_t aaa = deploy_node(f, "functions/aaa");
	for (size_t i = 0; i < 3; i++)
		assert_int_not_equal(aaa, told.nodes[i]);
	assert_int_equal(deploy_getattr(f->slots, told.nodes[0], &attr), -ENOENT);
	assert_int_equal(slots_fixture_deploy_has(f, "functions/main"), -ENOENT);
}

/* By its node alone, as from a working directory: nobody has looked its path up. */
static void a_slot_is_there_though_nobody_has_asked_for_its_path(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = let_die(f, look_at_slots);
	start_next(f);
	struct slots_attr attr;
	struct tree_handle *file;
	assert_int_equal(deploy_getattr(f->slots, told.nodes[2], &attr), 0);
	assert_true(S_ISDIR(attr.mode));
	assert_int_equal(deploy_getattr(f->slots, told.nodes[4], &attr), 0);
	assert_int_equal(deploy_getattr(f->slots, told.nodes[5], &attr), 0);
	assert_int_equal(deploy_open(f->slots, told.nodes[4], O_RDONLY, &slots_fixture_caller, &file), 0);
	deploy_release(file);
	assert_int_equal(deploy_lookup(f->slots, told.nodes[2], "a.zip", &attr), 0);
}

static void a_name_below_a_slot_is_stale(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = let_die(f, look_at_slots);
	start_next(f);
	uint64_t node = told.nodes[3], now = deploy_node(f, TEAM "/a.zip");
	const struct slots_caller *caller = &slots_fixture_caller;
	struct slots_attr attr;
	struct tree_handle *file;
	struct buf value = {0};
	struct timespec mtime = {0};
	assert_int_not_equal(node, now);
	assert_int_equal(deploy_getattr(f->slots, node, &attr), -ESTALE);
	assert_int_equal(deploy_setattr(f->slots, node, NULL, &(struct tree_change){.mtime = &mtime}, &attr), -ESTALE);
	assert_int_equal(deploy_open(f->slots, node, O_RDONLY, caller, &file), -ESTALE);
	assert_int_equal(deploy_open(f->slots, node, O_WRONLY, caller, &file), -ESTALE);
	assert_int_equal(deploy_opendir(f->slots, node, &file), -ESTALE);
	assert_int_equal(deploy_lookup(f->slots, node, "x", &attr), -ESTALE);
	assert_int_equal(deploy_create(f->slots, node, "x", O_RDWR, caller, &attr, &file), -ESTALE);
	assert_int_equal(deploy_mkdir(f->slots, node, ".x", caller, &attr), -ESTALE);
	assert_int_equal(deploy_rmdir(f->slots, node, ".x", caller), -ESTALE);
	assert_int_equal(deploy_unlink(f->slots, node, "x", caller), -ESTALE);
	assert_int_equal(deploy_rename(f->slots, node, "x", told.nodes[2], "y", 0, caller), -ESTALE);
	assert_int_equal(deploy_rename(f->slots, told.nodes[2], "x", node, "y", 0, caller), -ESTALE);
	assert_int_equal(deploy_getxattr(f->slots, node, "user.vouchfs.release", &value), -ESTALE);
	assert_int_equal(deploy_listxattr(f->slots, node, &value), -ESTALE);
	assert_int_equal(deploy_setxattr(f->slots, node, "user.vouchfs.description", "x", 1), -ESTALE);
	buf_done(&value);
}

static void what_is_forgotten_and_was_never_known_is_nothing(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = let_die(f, look_at_slots);
	start_next(f);
	struct slots_attr attr;
	uint64_t now = deploy_node(f, TEAM "/a.zip");
	for (size_t i = 0; i < 8; i++) {
		deploy_forget(f->slots, told.nodes[i], UINT64_MAX);
		run_forget(f->slots, told.nodes[i], UINT64_MAX);
	}
	assert_int_equal(deploy_getattr(f->slots, now, &attr), 0);
	deploy_forget(f->slots, now, UINT64_MAX); /* more than is known */
	deploy_forget(f->slots, now, 1);
	assert_int_equal(deploy_getattr(f->slots, now, &attr), -ESTALE);
	assert_int_equal(slots_fixture_deploy_has(f, TEAM "/a.zip"), 0);
}

static void begin_uploads(struct slots_fixture *f, struct told *told)
{
	struct tree_handle *file;
	struct buf zip = slots_fixture_zip(f, "half");
	assert_int_equal(slots_fixture_open(f, "functions/main", "a.zip", &file), 0);
	assert_int_equal(deploy_write(file, zip.data, zip.len / 2, 0), 0);
	assert_int_equal(slots_fixture_open(f, "functions/main", ".staging", &file), 0);
	assert_int_equal(deploy_write(file, zip.data, zip.len / 2, 0), 0);
	told->nodes[0] = deploy_node(f, "functions/main/.staging");
}

static void uploads_of_the_dead_are_gone(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = let_die(f, begin_uploads);
	start_next(f);
	struct slots_attr attr;
	assert_int_equal(deploy_getattr(f->slots, told.nodes[0], &attr), -ESTALE);
	assert_int_equal(slots_fixture_deploy_has(f, "functions/main/.staging"), -ENOENT);
	struct io_names left;
	assert_int_equal(io_list_dir(f->host->dirfd, "store/staging", &left), 0);
	assert_int_equal(left.count, 0);
	io_names_done(&left);
	struct buf metrics = {0};
	slots_fixture_read(f, ".vouchfs/metrics", &metrics);
	gate_fixture_assert_says(&metrics, "vouchfs_staging_bytes{mount=\"vouchfs\"} 0\n");
	buf_done(&metrics);
}

/* ---- the run side ---- */

static void look_at_releases(struct slots_fixture *f, struct told *told)
{
	slots_fixture_deploy(f, "main", "one");
	told->nodes[0] = run_node_of(f, ".releases/main");
	told->nodes[1] = run_node_of(f, ".releases/main/1/task");
	told->nodes[2] = run_node_of(f, ".releases/main/1/task/marker");
	told->nodes[3] = run_node_of(f, "main");
}

static void a_reader_goes_on(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = let_die(f, look_at_releases);
	start_next(f);
	assert_reads(f, told.nodes[2], "one");
}

static void every_node_is_found_by_its_id(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = let_die(f, look_at_releases);
	struct slots_attr attr;
	for (size_t i = 0; i < 4; i++) {
		start_next(f);
		assert_int_equal(run_getattr(f->slots, told.nodes[i], &attr), 0);
		assert_int_equal(attr.node, told.nodes[i]);
		slots_fixture_stop(f);
	}
	start_next(f);
	assert_int_equal(run_lookup(f->slots, told.nodes[0], "1", &attr), 0);
	slots_fixture_stop(f);
	start_next(f);
	assert_int_equal(run_lookup(f->slots, told.nodes[1], "marker", &attr), 0);
	assert_int_equal(attr.node, told.nodes[2]);
}

/* Also one that could not be read back: then every slot may be meant. */
static void without_the_memory_they_are_found_as_well(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = let_die(f, look_at_releases);
	assert_int_equal(ftruncate(f->memory.fd, 3), 0);
	start_next(f);
	assert_reads(f, told.nodes[2], "one");
	take_over(f);
	assert_pushed(f, "entry", RUN_ROOT, " main");
}

static void an_id_of_nothing_is_stale(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = let_die(f, look_at_releases);
	start_next(f);
	struct slots_attr attr;
	struct run_data data;
	uint64_t nothing = told.nodes[2] + (1000ULL << 24);
	assert_int_equal(run_getattr(f->slots, nothing, &attr), -ESTALE);
	assert_int_equal(run_lookup(f->slots, nothing, "marker", &attr), -ESTALE);
	assert_int_equal(run_read(f->slots, nothing, 10, 0, &data), -ESTALE);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/7"), -ENOENT); /* a name may be absent */
}

static void hold_an_old_release(struct slots_fixture *f, struct told *told)
{
	slots_fixture_deploy(f, "main", "one");
	told->nodes[0] = run_node_of(f, ".releases/main/1");
	told->nodes[1] = run_node_of(f, ".releases/main/1/task/marker");
	for (unsigned i = 0; i < 3; i++)
		slots_fixture_deploy(f, "main", "other");
}

static void who_has_an_old_release_keeps_it(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = let_die(f, hold_an_old_release);
	start_next(f);
	assert_reads(f, told.nodes[1], "one");
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/1"), -ENOENT); /* for others it is gone */
	take_over(f);
	assert_pushed(f, "entry", run_node_of(f, ".releases/main"), " 1");
	run_forget(f->slots, told.nodes[0], 1);
	run_forget(f->slots, told.nodes[1], 1);
	assert_reads(f, told.nodes[1], "one"); /* what else is known nobody can say */
	assert_true(slots_fixture_has_file(f, "store/functions/main/releases/1"));
	slots_fixture_stop(f);
	assert_false(slots_fixture_has_file(f, "store/functions/main/releases/1"));
	slots_fixture_start(f);
}

static void who_hands_over_keeps_it_too(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = let_die(f, hold_an_old_release);
	start_next(f);
	assert_reads(f, told.nodes[1], "one");
	slots_hand_over(f->slots);
	slots_fixture_stop(f);
	start_next(f);
	assert_reads(f, told.nodes[1], "one");
}

/* ---- what is told to the kernel ---- */

static void change_unseen(struct slots_fixture *f, struct told *told)
{
	slots_fixture_deploy(f, "main", "one");
	told->nodes[0] = run_node_of(f, ".releases/main");
	slots_set_notify(f->slots, NULL); /* dies before it has told */
	slots_fixture_deploy(f, "main", "two");
}

static void a_switch_that_was_not_told_is_told(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = let_die(f, change_unseen);
	start_next(f);
	take_over(f);
	assert_pushed(f, "entry", RUN_ROOT, " main");
	assert_pushed(f, "inode", RUN_ROOT, "");
	assert_pushed(f, "inode", RUN_NODE_RELEASES, "");
	assert_pushed(f, "inode", told.nodes[0], "");
	assert_false(has_been_pushed(f, " relaxed\n")); /* nobody has touched it */
}

static void remove_unseen(struct slots_fixture *f, struct told *told)
{
	assert_int_equal(slots_fixture_mkdir(f, "functions", "team-x"), 0);
	slots_fixture_deploy(f, "team-x", "one");
	told->nodes[0] = run_node_of(f, ".releases/team-x/1/task/marker");
	slots_set_notify(f->slots, NULL);
	assert_int_equal(slots_fixture_unlink(f, TEAM, "a.zip"), 0);
	assert_int_equal(slots_fixture_rmdir(f, "functions", "team-x"), 0);
}

static void a_removal_that_was_not_told_is_told(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = let_die(f, remove_unseen);
	start_next(f);
	take_over(f);
	struct run_data data;
	assert_pushed(f, "entry", RUN_ROOT, " team-x");
	assert_pushed(f, "entry", RUN_NODE_RELEASES, " team-x");
	assert_int_equal(run_read(f->slots, told.nodes[0], 10, 0, &data), -ESTALE);
}

/* Revoked, or not allowed any more, while there was nobody to say so. */
static void what_may_not_be_served_any_more_is_taken_away(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = let_die(f, hold_an_old_release);
	slots_fixture_configure(f, "keep_releases = 2\n",
				"[code-signing-config approved]\n"
				"allowed_publisher = arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT
				":/signing-profiles/other\n"
				"untrusted_artifact_on_deployment = Enforce\nuntrusted_artifact_on_load = Enforce\n"
				"[function main]\ncode_signing_config = approved\n");
	start_next(f);
	take_over(f);
	struct run_data data;
	assert_int_equal(run_read(f->slots, told.nodes[1], 10, 0, &data), -EACCES);
	/* the directory, link, opt, code.zip, release.json, task, and the marker */
	assert_pushed(f, "inodes", told.nodes[0], " 7");
}

/* After the takeover, too: releases of daemons before count as known to the kernel. */
static void a_later_block_reaches_them(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = let_die(f, hold_an_old_release);
	start_next(f);
	take_over(f);
	assert_false(has_been_pushed(f, "inodes "));
	slots_fixture_configure(f, "keep_releases = 2\n",
				"[code-signing-config approved]\n"
				"allowed_publisher = arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT
				":/signing-profiles/other\n"
				"untrusted_artifact_on_deployment = Enforce\nuntrusted_artifact_on_load = Enforce\n"
				"[function main]\ncode_signing_config = approved\n");
	struct buf errors = {0};
	assert_int_equal(slots_reload(f->slots, &errors), 0);
	buf_done(&errors);
	assert_pushed(f, "inodes", told.nodes[0], " 7");
}

/* ---- requests that are sent again ---- */

static const struct slots_caller again = {.who = {.pid = 3121, .command = "rsync"}, .is_resent = true};
static const struct slots_caller another = {.who = {.pid = 3122, .command = "rsync"}, .is_resent = true};

static void rename_into_place(struct slots_fixture *f, struct told *told UNUSED)
{
	struct buf zip = slots_fixture_zip(f, "renamed");
	assert_int_equal(slots_fixture_mkdir(f, "functions", "team-x"), 0);
	assert_int_equal(slots_fixture_put(f, "functions/main", ".a.zip.Xy12", &zip), 0);
	assert_int_equal(slots_fixture_rename(f, "functions/main", ".a.zip.Xy12", "a.zip"), 0);
}

/* What was answered to nobody was done, by this very process: nothing else is a success. */
static void a_rename_that_was_done_is_a_success(void **state)
{
	struct slots_fixture *f = *state;
	(void)let_die(f, rename_into_place);
	start_next(f);
	uint64_t main = deploy_node(f, "functions/main"), relaxed = deploy_node(f, "functions/relaxed");
	const struct slots_caller *first = &slots_fixture_caller;
	assert_int_equal(deploy_rename(f->slots, main, ".a.zip.Xy12", main, "a.zip", 0, &again), 0);
	assert_int_equal(deploy_rename(f->slots, main, ".a.zip.Xy12", main, "a.zip", 0, first), -ENOENT);
	assert_int_equal(deploy_rename(f->slots, main, ".a.zip.Xy12", main, "a.zip", 0, &another), -EIO);
	assert_int_equal(deploy_rename(f->slots, main, ".a.zip.Xy12", main, "b.zip", 0, &again), -EIO);
	assert_int_equal(deploy_rename(f->slots, main, ".a.zip.Xy12", main, ".b", 0, &again), -EIO);
	assert_int_equal(deploy_rename(f->slots, relaxed, ".a.zip.Xy12", relaxed, "a.zip", 0, &again), -EIO);
	int error;
	assert_string_equal(slots_fixture_marker(f, ".releases/main/1/task/marker", &error), "renamed");
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/2"), -ENOENT);
}

static void a_directory_that_was_made_is_a_success(void **state)
{
	struct slots_fixture *f = *state;
	struct slots_attr attr;
	(void)let_die(f, rename_into_place);
	start_next(f);
	uint64_t functions = deploy_node(f, "functions");
	struct slots_caller other = again;
	other.who.uid = 70001;
	assert_int_equal(deploy_mkdir(f->slots, functions, "team-x", &again, &attr), 0);
	assert_int_equal(attr.node, deploy_node(f, TEAM));
	assert_int_equal(deploy_mkdir(f->slots, functions, "team-x", &slots_fixture_caller, &attr), -EEXIST);
	assert_int_equal(deploy_mkdir(f->slots, functions, "team-x", &other, &attr), -EACCES);
	assert_int_equal(deploy_mkdir(f->slots, functions, "main", &again, &attr), -EEXIST);
	slots_fixture_deploy(f, "team-x", "one"); /* that is older than the request */
	assert_int_equal(deploy_mkdir(f->slots, functions, "team-x", &again, &attr), -EEXIST);
}

static void a_name_that_was_removed_is_a_success(void **state)
{
	struct slots_fixture *f = *state;
	(void)let_die(f, rename_into_place);
	start_next(f);
	uint64_t main = deploy_node(f, "functions/main"), functions = deploy_node(f, "functions");
	assert_int_equal(deploy_unlink(f->slots, main, "a.zip", &again), 0);
	assert_int_equal(slots_fixture_deploy_has(f, "functions/main/a.zip"), -ENOENT);
	assert_int_equal(deploy_unlink(f->slots, main, "a.zip", &again), 0);
	assert_int_equal(deploy_unlink(f->slots, main, "a.zip", &slots_fixture_caller), -ENOENT);
	assert_int_equal(deploy_rmdir(f->slots, functions, "team-x", &again), 0);
	assert_int_equal(deploy_rmdir(f->slots, functions, "team-x", &again), 0);
	assert_int_equal(deploy_rmdir(f->slots, functions, "team-x", &slots_fixture_caller), -ENOENT);
	assert_int_equal(deploy_rmdir(f->slots, functions, "main", &again), -EPERM);
	assert_int_equal(deploy_rmdir(f->slots, main, ".staging", &again), 0);
}

static void the_first_daemon_takes_over_nothing(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	take_over(f);
	assert_int_equal(f->pushed.len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, slots_fixture_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_slot_keeps_its_node),
		TEST(a_slot_is_there_though_nobody_has_asked_for_its_path),
		TEST(a_name_below_a_slot_is_stale),
		TEST(what_is_forgotten_and_was_never_known_is_nothing),
		TEST(uploads_of_the_dead_are_gone),
		TEST(a_reader_goes_on),
		TEST(every_node_is_found_by_its_id),
		TEST(without_the_memory_they_are_found_as_well),
		TEST(an_id_of_nothing_is_stale),
		TEST(who_has_an_old_release_keeps_it),
		TEST(who_hands_over_keeps_it_too),
		TEST(a_switch_that_was_not_told_is_told),
		TEST(a_removal_that_was_not_told_is_told),
		TEST(what_may_not_be_served_any_more_is_taken_away),
		TEST(a_later_block_reaches_them),
		TEST(a_rename_that_was_done_is_a_success),
		TEST(a_directory_that_was_made_is_a_success),
		TEST(a_name_that_was_removed_is_a_success),
		TEST(the_first_daemon_takes_over_nothing),
	};
	return cmocka_run_group_tests_name("inherit", tests, NULL, NULL);
}
