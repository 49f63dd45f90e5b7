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
#include <unistd.h>

#include <cmocka.h>

#include "../../src/slots/run_node.h"
#include "inherit_fixture.h"

#define TEAM "functions/team-x"

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
	told->nodes[0] = inherit_deploy_node(f, "functions/main");
	told->nodes[1] = inherit_deploy_node(f, "functions/relaxed");
	told->nodes[2] = inherit_deploy_node(f, TEAM);
	told->nodes[3] = inherit_deploy_node(f, TEAM "/a.zip");
	told->nodes[4] = inherit_deploy_node(f, ".vouchfs/why/functions/team-x");
	told->nodes[5] = inherit_deploy_node(f, ".vouchfs/history/functions/team-x");
}

/* Sections before and after it, and one that is gone: the nodes of the others are theirs. */
static void a_slot_keeps_its_node(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = inherit_let_die(f, look_at_slots);
	slots_fixture_configure(f, "",
				"[code-signing-config approved]\nallowed_publisher = " GATE_FIXTURE_ARN "\n"
				"[function aaa]\ncode_signing_config = approved\n[function "
				"relaxed]\ncode_signing_config = approved\n[function zzz]\ncode_signing_config = "
				"approved\n[function team-*]\ncode_signing_config = approved\n");
	inherit_start_next(f);
	struct slots_attr attr;
	assert_int_equal(inherit_deploy_node(f, "functions/relaxed"), told.nodes[1]);
	assert_int_equal(inherit_deploy_node(f, TEAM), told.nodes[2]);
	uint64_t aaa = inherit_deploy_node(f, "functions/aaa");
	for (size_t i = 0; i < 3; i++)
		assert_int_not_equal(aaa, told.nodes[i]);
	assert_int_equal(deploy_getattr(f->slots, told.nodes[0], &attr), -ENOENT);
	assert_int_equal(slots_fixture_deploy_has(f, "functions/main"), -ENOENT);
}

/* By its node alone, as from a working directory: nobody has looked its path up. */
static void a_slot_is_there_though_nobody_has_asked_for_its_path(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = inherit_let_die(f, look_at_slots);
	inherit_start_next(f);
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

/* Another version of the program may take over, and the kernel keeps these for a day. */
static void fixed_nodes_are_for_good(void **state)
{
	static const struct {
		const char *path;
		uint64_t node;
	} all[] = {
		{"functions", 2},
		{"layers", 3},
		{"run", 4},
		{".vouchfs", 5},
		{".vouchfs/status", 6},
		{".vouchfs/status.json", 7},
		{".vouchfs/health", 8},
		{".vouchfs/metrics", 9},
		{".vouchfs/why", 10},
		{".vouchfs/why/functions", 11},
		{".vouchfs/why/layers", 12},
		{".vouchfs/history", 13},
		{".vouchfs/history/functions", 14},
		{".vouchfs/rollback", 15},
		{".vouchfs/rollback/functions", 16},
		{".vouchfs/permissions", 17},
		{".vouchfs/permissions/layers", 18},
		{".vouchfs/recent", 19},
		{".vouchfs/events", 20},
		{".vouchfs/break-glass", 21},
		{".vouchfs/break-glass/functions", 22},
		{".vouchfs/reload", 23},
		{".vouchfs/reload-dry-run", 24},
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_int_equal(inherit_deploy_node(*state, all[i].path), all[i].node);
}

static void a_name_below_a_slot_is_stale(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = inherit_let_die(f, look_at_slots);
	inherit_start_next(f);
	uint64_t node = told.nodes[3], now = inherit_deploy_node(f, TEAM "/a.zip");
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
	struct told told = inherit_let_die(f, look_at_slots);
	inherit_start_next(f);
	struct slots_attr attr;
	uint64_t now = inherit_deploy_node(f, TEAM "/a.zip");
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
	told->nodes[0] = inherit_deploy_node(f, "functions/main/.staging");
}

static void uploads_of_the_dead_are_gone(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = inherit_let_die(f, begin_uploads);
	inherit_start_next(f);
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
	told->nodes[0] = inherit_run_node(f, ".releases/main");
	told->nodes[1] = inherit_run_node(f, ".releases/main/1/task");
	told->nodes[2] = inherit_run_node(f, ".releases/main/1/task/marker");
	told->nodes[3] = inherit_run_node(f, "main");
}

static void a_reader_goes_on(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = inherit_let_die(f, look_at_releases);
	inherit_start_next(f);
	assert_reads(f, told.nodes[2], "one");
}

static void every_node_is_found_by_its_id(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = inherit_let_die(f, look_at_releases);
	struct slots_attr attr;
	for (size_t i = 0; i < 4; i++) {
		inherit_start_next(f);
		assert_int_equal(run_getattr(f->slots, told.nodes[i], &attr), 0);
		assert_int_equal(attr.node, told.nodes[i]);
		slots_fixture_stop(f);
	}
	inherit_start_next(f);
	assert_int_equal(run_lookup(f->slots, told.nodes[0], "1", &attr), 0);
	slots_fixture_stop(f);
	inherit_start_next(f);
	assert_int_equal(run_lookup(f->slots, told.nodes[1], "marker", &attr), 0);
	assert_int_equal(attr.node, told.nodes[2]);
}

/* Also one that could not be read back: then every slot may be meant. */
static void without_the_memory_they_are_found_as_well(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = inherit_let_die(f, look_at_releases);
	assert_int_equal(ftruncate(f->memory.fd, 3), 0);
	inherit_start_next(f);
	assert_reads(f, told.nodes[2], "one");
	inherit_take_over(f);
	assert_pushed(f, "entry", RUN_ROOT, " main");
}

static void an_id_of_nothing_is_stale(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = inherit_let_die(f, look_at_releases);
	inherit_start_next(f);
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
	told->nodes[0] = inherit_run_node(f, ".releases/main/1");
	told->nodes[1] = inherit_run_node(f, ".releases/main/1/task/marker");
	for (unsigned i = 0; i < 3; i++)
		slots_fixture_deploy(f, "main", "other");
}

static void who_has_an_old_release_keeps_it(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = inherit_let_die(f, hold_an_old_release);
	inherit_start_next(f);
	assert_reads(f, told.nodes[1], "one");
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/1"), -ENOENT); /* for others it is gone */
	inherit_take_over(f);
	assert_pushed(f, "entry", inherit_run_node(f, ".releases/main"), " 1");
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
	struct told told = inherit_let_die(f, hold_an_old_release);
	inherit_start_next(f);
	assert_reads(f, told.nodes[1], "one");
	slots_hand_over(f->slots);
	slots_fixture_stop(f);
	inherit_start_next(f);
	assert_reads(f, told.nodes[1], "one");
}

/* ---- what is told to the kernel ---- */

static void change_unseen(struct slots_fixture *f, struct told *told)
{
	slots_fixture_deploy(f, "main", "one");
	told->nodes[0] = inherit_run_node(f, ".releases/main");
	slots_set_notify(f->slots, NULL); /* dies before it has told */
	slots_fixture_deploy(f, "main", "two");
}

static void a_switch_that_was_not_told_is_told(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = inherit_let_die(f, change_unseen);
	inherit_start_next(f);
	inherit_take_over(f);
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
	told->nodes[0] = inherit_run_node(f, ".releases/team-x/1/task/marker");
	slots_set_notify(f->slots, NULL);
	assert_int_equal(slots_fixture_unlink(f, TEAM, "a.zip"), 0);
	assert_int_equal(slots_fixture_rmdir(f, "functions", "team-x"), 0);
}

static void a_removal_that_was_not_told_is_told(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = inherit_let_die(f, remove_unseen);
	inherit_start_next(f);
	inherit_take_over(f);
	struct run_data data;
	assert_pushed(f, "entry", RUN_ROOT, " team-x");
	assert_pushed(f, "entry", RUN_NODE_RELEASES, " team-x");
	assert_int_equal(run_read(f->slots, told.nodes[0], 10, 0, &data), -ESTALE);
}

/* Revoked, or not allowed any more, while there was nobody to say so. */
static void what_may_not_be_served_any_more_is_taken_away(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = inherit_let_die(f, hold_an_old_release);
	slots_fixture_configure(f, "keep_releases = 2\n",
				"[code-signing-config approved]\n"
				"allowed_publisher = arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT
				":/signing-profiles/other\n"
				"untrusted_artifact_on_deployment = Enforce\nuntrusted_artifact_on_load = Enforce\n"
				"[function main]\ncode_signing_config = approved\n");
	inherit_start_next(f);
	inherit_take_over(f);
	struct run_data data;
	assert_int_equal(run_read(f->slots, told.nodes[1], 10, 0, &data), -EACCES);
	/* the directory, link, opt, code.zip, release.json, task, and the marker */
	assert_pushed(f, "inodes", told.nodes[0], " 7");
}

/* After the takeover, too: releases of daemons before count as known to the kernel. */
static void a_later_block_reaches_them(void **state)
{
	struct slots_fixture *f = *state;
	struct told told = inherit_let_die(f, hold_an_old_release);
	inherit_start_next(f);
	inherit_take_over(f);
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

/* ---- what is said of it ---- */

static void it_is_recorded_and_shown(void **state)
{
	struct slots_fixture *f = *state;
	(void)inherit_let_die(f, look_at_releases);
	inherit_start_next(f);
	assert_int_equal(
		slots_fixture_count_records(f, "daemon 2 of this mount, which it takes over from one that died"), 1);
	slots_hand_over(f->slots);
	slots_fixture_stop(f);
	inherit_start_next(f);
	assert_int_equal(
		slots_fixture_count_records(f, "daemon 3 of this mount, which it takes over from one that was asked"),
		1);
	struct buf metrics = {0}, health = {0}, json = {0};
	slots_fixture_read(f, ".vouchfs/metrics", &metrics);
	gate_fixture_assert_says(&metrics, "vouchfs_daemon_restarts_total{mount=\"vouchfs\",cause=\"died\"} 1");
	gate_fixture_assert_says(&metrics, "vouchfs_daemon_restarts_total{mount=\"vouchfs\",cause=\"asked\"} 1");
	slots_fixture_read(f, ".vouchfs/health", &health);
	gate_fixture_assert_says(&health, "warning: the daemon died within a day");
	slots_fixture_read(f, ".vouchfs/status.json", &json);
	gate_fixture_assert_says(&json, "\"daemonRestarts\": 2");
	gate_fixture_assert_says(&json, "\"daemonDeaths\": 1");
	buf_done(&metrics);
	buf_done(&health);
	buf_done(&json);
}

static void the_first_daemon_takes_over_nothing(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	inherit_take_over(f);
	assert_int_equal(f->pushed.len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, slots_fixture_setup, inherit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_slot_keeps_its_node),
		TEST(a_slot_is_there_though_nobody_has_asked_for_its_path),
		TEST(fixed_nodes_are_for_good),
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
		TEST(it_is_recorded_and_shown),
		TEST(the_first_daemon_takes_over_nothing),
	};
	return cmocka_run_group_tests_name("inherit", tests, NULL, NULL);
}
