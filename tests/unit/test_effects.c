/* What a reload does to what is served: found before it does, told as text, and nothing of it happens in a dry run. */
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

#include "../../src/slots/internal.h"
#include "slots_fixture.h"

static const char other[] = "arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT ":/signing-profiles/other";

/* Functions main (strict) and open (none). */
static void write_rules(struct slots_fixture *f, const char *publisher, const char *on_load, const char *more)
{
	char rest[1024];
	(void)snprintf(rest, sizeof(rest),
		       "[code-signing-config approved]\nallowed_publisher = %s\n"
		       "untrusted_artifact_on_deployment = Enforce\nuntrusted_artifact_on_load = %s\n"
		       "[function main]\ncode_signing_config = approved\n%s",
		       publisher, on_load, more);
	slots_fixture_configure(f, "", rest);
}

static void reload(struct slots_fixture *f)
{
	struct buf errors = {0};
	if (slots_reload(f->slots, &errors) != 0)
		fail_msg("%s", errors.data);
	buf_done(&errors);
}

static struct effects *preview(struct slots_fixture *f)
{
	struct effects *effects = NULL;
	struct buf errors = {0};
	if (slots_preview_reload(f->slots, &effects, &errors) != 0)
		fail_msg("%s", errors.data);
	buf_done(&errors);
	return effects;
}

static void assert_counts(const struct effects *effects, const char *expected)
{
	char found[64];
	(void)snprintf(found, sizeof(found), "blocked %d allowed %d warned %d cleared %d unchanged %d",
		       (int)effects->counts[EFFECT_BLOCKED], (int)effects->counts[EFFECT_ALLOWED],
		       (int)effects->counts[EFFECT_WARNED], (int)effects->counts[EFFECT_CLEARED],
		       (int)effects->counts[EFFECT_UNCHANGED]);
	assert_string_equal(found, expected);
}

/* The same before and after: a dry run says what the reload then does. */
static void reload_with_effect(struct slots_fixture *f, const char *expected)
{
	struct effects *would = preview(f);
	assert_counts(would, expected);
	reload(f);
	assert_counts(f->slots->reloaded, expected);
	assert_memory_equal(would, f->slots->reloaded, sizeof(*would));
	free(would);
}

static void every_effect_there_is(void **state)
{
	struct slots_fixture *f = *state;
	write_rules(f, GATE_FIXTURE_ARN, "Enforce", "");
	reload(f);
	slots_fixture_deploy(f, "main", "one");
	write_rules(f, GATE_FIXTURE_ARN, "Warn", "");
	reload_with_effect(f, "blocked 0 allowed 0 warned 0 cleared 0 unchanged 1");
	write_rules(f, other, "Warn", "");
	reload_with_effect(f, "blocked 0 allowed 0 warned 1 cleared 0 unchanged 0");
	assert_string_equal(f->slots->reloaded->rows[EFFECT_WARNED][0].slot, "functions/main");
	assert_string_equal(f->slots->reloaded->rows[EFFECT_WARNED][0].code, "VF2002");
	write_rules(f, other, "Enforce", "");
	reload_with_effect(f, "blocked 1 allowed 0 warned 0 cleared 0 unchanged 0");
	assert_int_equal(f->slots->reloaded->rows[EFFECT_BLOCKED][0].release, 1);
	assert_non_null(strstr(f->slots->reloaded->rows[EFFECT_BLOCKED][0].detail, GATE_FIXTURE_PROFILE));
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/1"), -EACCES);
	reload_with_effect(f, "blocked 0 allowed 0 warned 0 cleared 0 unchanged 1"); /* and still is */
	write_rules(f, other, "Warn", "");
	reload_with_effect(f, "blocked 0 allowed 1 warned 0 cleared 0 unchanged 0");
	write_rules(f, GATE_FIXTURE_ARN, "Warn", "");
	reload_with_effect(f, "blocked 0 allowed 0 warned 0 cleared 1 unchanged 0");
	assert_int_equal(slots_fixture_count_records(f, "generation 5: 1 now blocked, 0 allowed again"), 1);
}

/* Also what nobody has looked at since the start. */
static void what_was_never_asked_for_is_judged(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	slots_fixture_restart(f);
	write_rules(f, other, "Enforce", "");
	reload_with_effect(f, "blocked 1 allowed 0 warned 0 cleared 0 unchanged 0");
}

static void a_dry_run_changes_nothing(void **state)
{
	struct slots_fixture *f = *state;
	int error;
	slots_fixture_deploy(f, "main", "one");
	buf_reset(&f->pushed);
	write_rules(f, other, "Enforce", "[function second]\ncode_signing_config = none\n");
	struct effects *effects = preview(f);
	assert_counts(effects, "blocked 1 allowed 0 warned 0 cleared 0 unchanged 0");
	assert_int_equal(effects->generation, 2);
	free(effects);
	assert_int_equal(f->pushed.len, 0);
	assert_int_equal(f->slots->config_generation, 1);
	assert_string_equal(slots_fixture_marker(f, ".releases/main/1/task/marker", &error), "one");
	assert_int_equal(slots_fixture_deploy_has(f, "functions/second"), -ENOENT);
	assert_int_equal(slots_fixture_count_records(f, "config-reloaded"), 0);
	assert_int_equal(slots_fixture_count_records(f, "release-blocked"), 0);
}

static void a_faulty_one_changes_nothing(void **state)
{
	struct slots_fixture *f = *state;
	struct effects *effects = NULL;
	struct buf errors = {0};
	slots_fixture_deploy(f, "main", "one");
	write_rules(f, other, "Enforce", "[function second]\nmod = 1\nown = 2\n");
	assert_int_equal(slots_preview_reload(f->slots, &effects, &errors), -EINVAL);
	gate_fixture_assert_says(&errors, "unknown key \"mod\"");
	gate_fixture_assert_says(&errors, "unknown key \"own\"");
	assert_int_equal(f->slots->config_failures, 0); /* it was but asked */
	buf_reset(&errors);
	assert_int_equal(slots_reload(f->slots, &errors), -EINVAL);
	assert_int_equal(f->slots->config_failures, 1);
	assert_non_null(strstr(f->slots->config_error, "[function second] has no"));
	assert_null(strchr(f->slots->config_error, '\n'));
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/1"), 0);
	write_rules(f, other, "Enforce", "");
	reload(f);
	assert_int_equal(f->slots->config_failures, 0);
	assert_null(f->slots->config_error);
	buf_done(&errors);
}

static void what_differs_between_configurations(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_configure(
		f, "",
		"[code-signing-config a]\nallowed_publisher = " GATE_FIXTURE_ARN "\n"
		"[code-signing-config b]\nallowed_publisher = " GATE_FIXTURE_ARN "\n"
		"[function main]\ncode_signing_config = a\n[function gone]\ncode_signing_config = none\n"
		"[function same]\ncode_signing_config = b\n[layer x]\n");
	reload(f);
	slots_fixture_configure(f, "",
				"[code-signing-config a]\nallowed_publisher = " GATE_FIXTURE_ARN "\n"
				"[code-signing-config b]\nallowed_publisher = " GATE_FIXTURE_ARN "\ndescription = new\n"
				"[code-signing-config c]\nallowed_publisher = " GATE_FIXTURE_ARN "\n"
				"[function main]\ncode_signing_config = c\n[function one]\ncode_signing_config = none\n"
				"[function two-*]\ncode_signing_config = none\n"
				"[function same]\ncode_signing_config = b\n[layer x]\nmode = 0755\n");
	struct effects *e = preview(f);
	const uint64_t found[] = {e->functions.added, e->functions.removed, e->functions.changed, e->layers.added,
				  e->layers.removed,  e->layers.changed,    e->configs.added,	  e->configs.removed,
				  e->configs.changed, e->accounts.added,    e->accounts.removed,  e->accounts.changed};
	const uint64_t expected[] = {2, 1, 1, 0, 0, 1, 1, 0, 1, 0, 0, 0};
	assert_memory_equal(found, expected, sizeof(found));
	free(e);
}

/* ---- text ---- */

static void fill(struct effects *e)
{
	*e = (struct effects){.generation = 7, .functions = {1, 2, 3}, .accounts = {.changed = 9}};
	e->counts[EFFECT_UNCHANGED] = 1000;
	e->counts[EFFECT_BLOCKED] = LIMIT_EFFECT_ROWS + 1;
	e->counts[EFFECT_CLEARED] = 1;
	for (size_t i = 0; i < LIMIT_EFFECT_ROWS; i++)
		e->rows[EFFECT_BLOCKED][i] =
			(struct effect_row){.slot = "functions/a", .release = i + 1, .code = "VF2003", .detail = "x y"};
	e->rows[EFFECT_CLEARED][0] = (struct effect_row){.slot = "functions/b", .release = 1};
}

static void what_is_rendered_is_read_back(void **state UNUSED)
{
	struct effects *e = calloc(2, sizeof(*e));
	struct buf text = {0};
	fill(&e[0]);
	assert_int_equal(effects_render(&e[0], &text), 0);
	assert_int_equal(effects_parse(text.data, text.len, &e[1]), 0);
	assert_memory_equal(&e[0], &e[1], sizeof(*e));
	assert_int_equal(buf_puts(&text, "later: 1\n"), 0); /* of a newer daemon */
	assert_int_equal(effects_parse(text.data, text.len, &e[1]), 0);
	buf_done(&text);
	free(e);
}

static void what_is_no_effects(void **state UNUSED)
{
	static const char *const texts[] = {
		"",
		"generation: 0\n",
		"blocked: 1\n",
		"generation: 1\nblocked: 1\n",
		"generation: 1\nblocked: x\n",
		"generation: 1\nrow-blocked: functions/a 1 - \n",
		"generation: 1\nblocked: 1\nrow-blocked: functions/a 1 -\n",
		"generation: 1\nblocked: 1\nrow-blocked: functions/a x - \n",
		"generation: 1\nblocked: 1\nrow-blocked: functions/a 1 VF2003-too-long \n",
		"generation: 1\nno colon\n",
		"refused\nerror\n",
	};
	struct effects *e = calloc(1, sizeof(*e));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (effects_parse(texts[i], strlen(texts[i]), e) != -EBADMSG)
			fail_msg("%s", texts[i]);
	const char *sound = "generation: 1\nblocked: 1\nrow-blocked: functions/a 1 - \n";
	assert_int_equal(effects_parse(sound, strlen(sound), e), 0);
	free(e);
}

static void the_files_of_the_mount(void **state)
{
	struct slots_fixture *f = *state;
	const struct slots_caller nobody = {.who = {.uid = 1001}};
	struct slots_attr attr;
	struct tree_handle *handle;
	struct buf text = {0};
	slots_fixture_read(f, ".vouchfs/reload", &text);
	assert_int_equal(text.len, 0); /* there was none */
	reload(f);
	slots_fixture_read(f, ".vouchfs/reload", &text);
	gate_fixture_assert_says(&text, "generation: 2\n");
	buf_reset(&text);
	slots_fixture_read(f, ".vouchfs/reload-dry-run", &text);
	gate_fixture_assert_says(&text, "generation: 3\n");
	buf_reset(&text);
	slots_fixture_configure(f, "", "[function x]\nmod = 1\n");
	slots_fixture_read(f, ".vouchfs/reload-dry-run", &text);
	assert_int_equal(strncmp(text.data, EFFECTS_REFUSED "\n", strlen(EFFECTS_REFUSED "\n")), 0);
	gate_fixture_assert_says(&text, "unknown key \"mod\"");
	buf_done(&text);

	assert_int_equal(slots_fixture_deploy_path(f, ".vouchfs/reload-dry-run", &attr), 0);
	assert_int_equal(attr.mode & 0777, 0400);
	assert_int_equal(deploy_open(f->slots, attr.node, O_RDONLY, &nobody, &handle), -EACCES);
	assert_false(slots_fixture_lists(f, ".vouchfs", "reload-dry-run")); /* who looks around starts none */
	f->slots->administrator = 1001;
	assert_int_equal(deploy_open(f->slots, attr.node, O_RDONLY, &nobody, &handle), 0);
	deploy_release(handle);
	assert_int_equal(deploy_open(f->slots, attr.node, O_RDWR, &nobody, &handle), -EACCES);
	assert_int_equal(slots_fixture_deploy_path(f, ".vouchfs/reload", &attr), 0);
	assert_int_equal(deploy_open(f->slots, attr.node, O_WRONLY, &nobody, &handle), -EACCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, slots_fixture_setup, slots_fixture_teardown)
		TEST(every_effect_there_is),
		TEST(what_was_never_asked_for_is_judged),
		TEST(a_dry_run_changes_nothing),
		TEST(a_faulty_one_changes_nothing),
		TEST(what_differs_between_configurations),
		TEST(the_files_of_the_mount),
		cmocka_unit_test(what_is_rendered_is_read_back),
		cmocka_unit_test(what_is_no_effects),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
