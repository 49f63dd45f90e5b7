/* Rows made of notes and verdicts; what a note of another version or a damaged one leaves out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "overview/fill.h"

static struct overview *fill_last(const char *note)
{
	struct overview *overview = overview_new();
	assert_non_null(overview);
	struct overview_slot *slot = overview_add_slot(overview);
	assert_non_null(slot);
	assert_int_equal(overview_fill_last(note, strlen(note), &slot->last), 0);
	return overview;
}

static void a_note_is_the_last_attempt(void **state)
{
	(void)state;
	struct overview *overview = fill_last("outcome: refused\nreason: VF2001\nat: 2026-11-21T20:00:00Z\n"
					      "by: uid 1001 (my (odd) tool)\ndetail: it is not signed\nevent: 118\n");
	const struct overview_attempt *last = &overview->slots[0].last;
	assert_string_equal(last->outcome, "refused");
	assert_string_equal(last->reason, "VF2001");
	assert_string_equal(last->detail, "it is not signed");
	assert_string_equal(last->command, "my (odd) tool");
	assert_int_equal(last->uid, 1001);
	assert_int_equal(last->at_s, 1795291200);
	assert_int_equal(last->event, 118);
	overview_free(overview);
}

static void what_a_note_does_not_say_is_none(void **state)
{
	(void)state;
	struct overview *overview = fill_last("outcome: accepted\nreason: -\nat: yesterday\nby: somebody\n");
	const struct overview_attempt *last = &overview->slots[0].last;
	assert_string_equal(last->outcome, "accepted");
	assert_null(last->reason);
	assert_null(last->detail);
	assert_null(last->command);
	assert_int_equal(last->at_s, 0);
	assert_int_equal(last->event, 0);
	overview_free(overview);
	overview = fill_last("at: 2026-11-21T20:00:00Z\n");
	assert_null(overview->slots[0].last.outcome);
	overview_free(overview);
}

static void nobody_is_named_by_what_names_nobody(void **state)
{
	(void)state;
	static const char *const notes[] = {
		"outcome: refused\nby: uid (cp)\n",    "outcome: refused\nby: uid  (cp)\n",
		"outcome: refused\nby: uid -1 (cp)\n", "outcome: refused\nby: uid 4294967296 (cp)\n",
		"outcome: refused\nby: uid 7 (cp\n",   "outcome: refused\nby: uid 7\n",
		"outcome: refused\nby: 7 (cp)\n",
	};
	for (size_t i = 0; i < ARRAY_SIZE(notes); i++) {
		struct overview *overview = fill_last(notes[i]);
		assert_int_equal(overview->slots[0].last.uid, 0);
		assert_null(overview->slots[0].last.command);
		overview_free(overview);
	}
}

static void a_slot_has_its_mode(void **state)
{
	(void)state;
	char name[] = "strict";
	const struct config_code_signing enforce = {.name = name, .deployment = CONFIG_ENFORCE},
					 warn = {.name = name, .deployment = CONFIG_WARN};
	const struct config_slot sections[] = {{.code_signing = &enforce}, {.code_signing = &warn}, {0}};
	const struct {
		const struct config_slot *section;
		bool is_layer;
		const char *mode, *config;
	} cases[] = {
		{&sections[0], false, "Enforce", name},	  {&sections[1], false, "Warn", name},
		{&sections[2], false, "UNCHECKED", NULL}, {NULL, false, OVERVIEW_NO_CONFIG, NULL},
		{&sections[2], true, "-", NULL},	  {NULL, true, "-", NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct overview *overview = overview_new();
		struct overview_slot *slot = overview_add_slot(overview);
		assert_int_equal(overview_fill_slot("f", cases[i].is_layer, cases[i].section, slot), 0);
		assert_string_equal(slot->mode, cases[i].mode);
		assert_string_equal(slot->config ? slot->config : "none", cases[i].config ? cases[i].config : "none");
		overview_free(overview);
	}
}

static void only_a_refusal_has_a_reason(void **state)
{
	(void)state;
	struct overview *overview = overview_new();
	struct overview_slot *slot = overview_add_slot(overview);
	assert_int_equal(overview_fill_enforce(POLICY_ACCEPTED, POLICY_REASON_NONE, NULL, slot), 0);
	assert_string_equal(slot->enforce_outcome, "accepted");
	assert_null(slot->enforce_reason);
	slot = overview_add_slot(overview);
	assert_int_equal(overview_fill_enforce(POLICY_REFUSED, POLICY_VF2003_EXPIRED, "it expired", slot), 0);
	assert_string_equal(slot->enforce_reason, "VF2003");
	assert_string_equal(slot->enforce_detail, "it expired");
	overview_free(overview);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_note_is_the_last_attempt),
		cmocka_unit_test(what_a_note_does_not_say_is_none),
		cmocka_unit_test(nobody_is_named_by_what_names_nobody),
		cmocka_unit_test(a_slot_has_its_mode),
		cmocka_unit_test(only_a_refusal_has_a_reason),
	};
	return cmocka_run_group_tests_name("fill", tests, NULL, NULL);
}
