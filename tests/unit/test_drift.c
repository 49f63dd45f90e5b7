/* Differences from a policy bundle: as a list, as text, and each kind found and not found. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "../../src/slots/drift_find.h"
#include "config/policy.h"

struct fixture {
	struct drift drift, parsed;
	struct config config, disk;
	struct config_terms terms;
	struct governed governed, stored;
	struct trust trust, fresh;
	struct drift_scene scene;
};

static int set_up(void **state)
{
	static char path[] = "/etc/vouchfs/vouchfs.conf", canonical[] = "account: 1\n\nfunction: web\nmode: 0775\n";
	struct fixture *f = calloc(1, sizeof(*f));
	if (!f)
		return -1;
	*state = f;
	f->config.path = f->disk.path = path;
	f->config.canonical = f->disk.canonical = canonical;
	f->config.terms = f->disk.terms = &f->terms;
	f->governed = (struct governed){.state = GOVERNED_IN_FORCE, .sequence = 7, .highest_sequence = 7};
	f->stored = f->governed;
	f->trust = (struct trust){.config = &f->config, .governed = &f->governed};
	f->fresh = (struct trust){.config = &f->disk, .governed = &f->stored};
	f->scene = (struct drift_scene){.trust = &f->trust, .fresh = &f->fresh, .config = &f->disk, .errors = ""};
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static void add(struct drift *drift, enum drift_kind kind, const char *subject)
{
	drift_add(drift, &(struct drift_finding){.kind = kind, .subject = subject, .expected = "a", .found = "b"});
}

/* The one item that there is. */
static void assert_finds(const struct fixture *f, enum drift_kind kind, const char *subject, const char *found)
{
	assert_int_equal(f->drift.count, 1);
	assert_int_equal(f->drift.items[0].kind, kind);
	assert_string_equal(f->drift.items[0].subject, subject);
	assert_non_null(strstr(f->drift.items[0].found, found));
}

/* ---- the list, and its text ---- */

static void in_order(void **state)
{
	struct fixture *f = *state;
	add(&f->drift, DRIFT_UNIT, "User");
	add(&f->drift, DRIFT_LOCAL, "b");
	add(&f->drift, DRIFT_LOCAL, "a\n");
	add(&f->drift, DRIFT_BUNDLE, "policy");
	assert_string_equal(f->drift.items[0].subject, "policy");
	assert_string_equal(f->drift.items[1].subject, "a\\x0a");
	assert_string_equal(f->drift.items[2].subject, "b");
	assert_string_equal(f->drift.items[3].subject, "User");
}

static void more_than_are_kept(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < LIMIT_DRIFT_ITEMS; i++)
		add(&f->drift, DRIFT_UNIT, "z");
	add(&f->drift, DRIFT_LOCAL, "first");
	add(&f->drift, DRIFT_UNIT, "zz");
	assert_int_equal(f->drift.count, LIMIT_DRIFT_ITEMS + 2);
	assert_int_equal(drift_item_count(&f->drift), LIMIT_DRIFT_ITEMS);
	assert_string_equal(f->drift.items[0].subject, "first");
	assert_string_equal(f->drift.items[LIMIT_DRIFT_ITEMS - 1].subject, "z");
}

static void there_and_back(void **state)
{
	struct fixture *f = *state;
	struct buf text = {0};
	f->drift.checked_at_s = 1790000000;
	f->drift.sequence = 7;
	f->drift.remediates = true;
	for (int i = 0; i < LIMIT_DRIFT_ITEMS + 3; i++)
		add(&f->drift, (enum drift_kind)(i % DRIFT_KIND_COUNT), "some");
	f->drift.items[4].is_remediable = true;
	assert_int_equal(drift_render(&f->drift, &text), 0);
	assert_int_equal(drift_parse(text.data, text.len, &f->parsed), 0);
	assert_true(drift_equal(&f->drift, &f->parsed));
	assert_int_equal(f->parsed.checked_at_s, 1790000000);
	assert_int_equal(f->parsed.sequence, 7);
	assert_true(f->parsed.remediates && f->parsed.items[4].is_remediable && !f->parsed.items[5].is_remediable);
	assert_int_equal(drift_parse(text.data, text.len - 1, &f->parsed), -EBADMSG);
	f->parsed.items[2].found[0] = 'x';
	assert_false(drift_equal(&f->drift, &f->parsed));
	buf_done(&text);
}

static void texts_that_are_none(void **state)
{
	struct fixture *f = *state;
	static const char head[] = "checked-s: 5\nsequence: 1\nremediates: no\n";
	static const char *const tails[] = {
		"",
		"count: 1\n",
		"count: 0\nitem: local\n",
		"count: x\n",
		"count: 1\nitem: loco\n",
		"count: 1\nitem: local\nremediable: perhaps\n",
		"count: 1\nitem: local\nsubject: a\033b\n",
		"count: 0\nhello\n",
	};
	char text[256];
	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		(void)snprintf(text, sizeof(text), "%s%s", head, tails[i]);
		assert_int_equal(drift_parse(text, strlen(text), &f->parsed), -EBADMSG);
	}
	(void)snprintf(text, sizeof(text), "%scount: 1\nlater: x\nitem: local\nlater: y\n", head);
	assert_int_equal(drift_parse(text, strlen(text), &f->parsed), 0);
	assert_int_equal(drift_parse("", 0, &f->parsed), -EBADMSG);
}

/* ---- what is found ---- */

static void nothing(void **state)
{
	struct fixture *f = *state;
	drift_find_bundle(&f->scene, &f->drift);
	drift_find_local(&f->scene, &f->drift);
	drift_find_config(&f->scene, &f->drift);
	drift_find_trust(&f->scene, &f->drift);
	drift_find_revocations(&f->scene, &f->drift);
	drift_find_slots(&f->scene, &f->drift);
	drift_find_unit(&f->scene, &f->drift);
	assert_int_equal(f->drift.count, 0);
}

static void no_bundle_yet_and_one_that_is_lost(void **state)
{
	struct fixture *f = *state;
	f->governed = f->stored = (struct governed){.state = GOVERNED_NONE};
	drift_find_bundle(&f->scene, &f->drift);
	assert_int_equal(f->drift.count, 0);

	f->governed = f->stored = (struct governed){.highest_sequence = 3, .why = {.text = "it is gone"}};
	drift_find_bundle(&f->scene, &f->drift);
	assert_finds(f, DRIFT_BUNDLE, "policy", "it is gone");
	assert_string_equal(f->drift.items[0].expected, "bundle 3");
}

static void one_that_was_rolled_back_or_has_an_alarm(void **state)
{
	struct fixture *f = *state;
	f->governed.is_rolled_back = true;
	f->governed.highest_sequence = 9;
	(void)snprintf(f->governed.rollback_reason, sizeof(f->governed.rollback_reason), "it broke");
	drift_find_bundle(&f->scene, &f->drift);
	assert_finds(f, DRIFT_BUNDLE, "policy", "bundle 7, taken up again by uid 0: it broke");

	f->drift = (struct drift){0};
	f->governed.is_rolled_back = false;
	f->governed.alarm = POLICY_VF2003_EXPIRED;
	(void)snprintf(f->governed.alarm_why.text, EXPLAIN_MAX, "the signature expired");
	drift_find_bundle(&f->scene, &f->drift);
	assert_finds(f, DRIFT_BUNDLE, "policy", "the signature expired; it stays in force");
}

static void another_one_in_the_store(void **state)
{
	struct fixture *f = *state;
	f->stored.tree_sha256[0] = 1;
	drift_find_bundle(&f->scene, &f->drift);
	assert_finds(f, DRIFT_BUNDLE, "store", "bundle 7 with digest 01");
	assert_true(f->drift.items[0].is_remediable);
	f->drift = (struct drift){0};
	f->governed.alarm = POLICY_VF2003_EXPIRED; /* it would be refused */
	drift_find_bundle(&f->scene, &f->drift);
	assert_int_equal(f->drift.count, 2);
	assert_false(f->drift.items[0].is_remediable || f->drift.items[1].is_remediable);
}

static void files_of_the_hosts_own(void **state)
{
	struct fixture *f = *state;
	char main_path[] = "/etc/vouchfs/vouchfs.conf", path[] = "/etc/vouchfs/conf.d/x.conf", section[] = "function a",
	     text[] = "[function a] is not in force", key[] = "code_signing_config";
	struct config_override overrides[] = {
		{.path = main_path, .line = 9, .section = section, .key = key, .text = text},
		{.path = path, .line = 3, .in_conf_d = true, .section = section, .text = text},
	};
	f->disk.overrides = overrides;
	f->disk.override_count = 2;
	drift_find_local(&f->scene, &f->drift);
	assert_int_equal(f->drift.count, 2);
	assert_string_equal(f->drift.items[0].subject, "conf.d/x.conf:3");
	assert_true(f->drift.items[0].is_remediable);
	assert_string_equal(f->drift.items[1].subject, "vouchfs.conf:9");
	assert_false(f->drift.items[1].is_remediable);
	assert_string_equal(f->drift.items[1].expected,
			    "no code_signing_config of [function a] in a file of the host's");

	f->drift = (struct drift){0};
	f->scene.fresh = NULL; /* which they explain, and nothing else is said of it */
	f->scene.errors = "conf.d/x.conf:3: governed\n";
	drift_find_config(&f->scene, &f->drift);
	assert_int_equal(f->drift.count, 0);
	f->terms.local = CONFIG_LOCAL_REPORT;
	drift_find_config(&f->scene, &f->drift);
	assert_finds(f, DRIFT_CONFIG, main_path, "conf.d/x.conf:3: governed");
}

static void changed_on_the_disk(void **state)
{
	struct fixture *f = *state;
	char changed[] = "account: 1\n\nfunction: web\nmode: 0700\n", shorter[] = "account: 1\n",
	     owners[] = "account: 1\n\nfunction: web\nowner: 1\n", others[] = "account: 1\n\nfunction: web\nowner: 2\n";
	f->disk.canonical = changed;
	drift_find_config(&f->scene, &f->drift);
	assert_finds(f, DRIFT_CONFIG, f->config.path, "not in force: function: web, mode: 0700; `vouchfs reload`");
	assert_string_equal(f->drift.items[0].expected, "in force: function: web, mode: 0775");
	assert_true(f->drift.items[0].is_remediable);

	f->drift = (struct drift){0};
	f->disk.canonical = shorter;
	drift_find_config(&f->scene, &f->drift);
	assert_finds(f, DRIFT_CONFIG, f->config.path, "nothing more");

	f->drift = (struct drift){0};
	f->config.canonical = owners; /* two ids of an owner are for drift_find_slots to tell */
	f->disk.canonical = others;
	drift_find_config(&f->scene, &f->drift);
	assert_int_equal(f->drift.count, 0);
}

static void names_that_mean_other_ids(void **state)
{
	struct fixture *f = *state;
	char name[] = "web", other[] = "api";
	struct config_slot in_force[] = {{.name = name, .has_owner = true, .owner = 4000000001U}};
	struct config_slot now[] = {{.name = other, .has_owner = true, .owner = 4000000003U},
				    {.name = name, .has_owner = true, .owner = 4000000002U}};
	f->config.functions = in_force;
	f->config.function_count = 1;
	f->disk.functions = now;
	f->disk.function_count = 2;
	drift_find_slots(&f->scene, &f->drift);
	assert_finds(f, DRIFT_SLOT, "functions/web", "uid 4000000001 in force");
	assert_string_equal(f->drift.items[0].expected, "uid 4000000002, as its section says now");
	now[1].owner = in_force[0].owner;
	f->drift = (struct drift){0};
	drift_find_slots(&f->scene, &f->drift);
	assert_int_equal(f->drift.count, 0);
}

/* ---- the process ---- */

struct option_case {
	const char *name, *value;
	const char *found; /* NULL: it is as wanted */
};

static void options_of_the_unit(void **state)
{
	struct fixture *f = *state;
	static const struct option_case cases[] = {
		{"User", "0", NULL},
		{"User", "1", "uid 0"},
		{"User", "nobody-here", "there is no user of that name here"},
		{"NoNewPrivileges", "yes", NULL},
		{"NoNewPrivileges", "no", "yes"},
		{"UMask", "0077", NULL},
		{"UMask", "077", NULL},
		{"UMask", "0022", "0077"},
		{"LimitNOFILE", "1024", NULL},
		{"LimitNOFILE", "1025", "1024"},
		{"LimitCORE", "0", NULL},
		{"LimitCORE", "1", NULL},
		{"AllowOther", "no", NULL},
		{"AllowOther", "yes", "no"},
		{"PrivateTmp", "yes", "this version does not know it"},
	};
	f->scene.process =
		(struct drift_process){.no_new_privileges = true, .has_umask = true, .umask = 0077, .files_max = 1024};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config_unit_option option = {(char *)cases[i].name, (char *)cases[i].value};
		f->terms.unit = &option;
		f->terms.unit_count = 1;
		f->drift = (struct drift){0};
		drift_find_unit(&f->scene, &f->drift);
		if (cases[i].found)
			assert_finds(f, DRIFT_UNIT, cases[i].name, cases[i].found);
		else
			assert_int_equal(f->drift.count, 0);
	}
}

static void this_process(void **state UNUSED)
{
	struct drift_process process;
	mode_t before = umask(0027);
	drift_look_at_process(&process);
	assert_true(process.has_umask);
	assert_int_equal(process.umask, 0027);
	assert_true(process.files_max > 0);
	(void)umask(before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(in_order),
		TEST(more_than_are_kept),
		TEST(there_and_back),
		TEST(texts_that_are_none),
		TEST(nothing),
		TEST(no_bundle_yet_and_one_that_is_lost),
		TEST(one_that_was_rolled_back_or_has_an_alarm),
		TEST(another_one_in_the_store),
		TEST(files_of_the_hosts_own),
		TEST(changed_on_the_disk),
		TEST(names_that_mean_other_ids),
		TEST(options_of_the_unit),
		TEST(this_process),
	};
	return cmocka_run_group_tests_name("drift", tests, NULL, NULL);
}
