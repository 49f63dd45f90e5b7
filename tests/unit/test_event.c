/* A record of the audit log read back, sieved, and shown. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "overview/event.h"

#define ARN  "arn:vouchfs:signer:local:111122223333:/signing-"
#define PREV ",\"prev\":\"0\"}"

/* Every member; a command and a detail that would move a cursor. */
static const char refusal[] =
	"{\"schema\":1,\"seq\":1234,\"time\":\"2026-11-22T08:01:28.984396Z\",\"boot\":\"b\",\"event\":\"deployment\","
	"\"who\":{\"uid\":1001,\"gid\":1002,\"pid\":17133,\"command\":\"c\\u001bp\"},\"slot\":\"functions/billing\","
	"\"artifact\":\"a.zip\",\"release\":7,\"rollbackTo\":3,\"kept\":6,\"size\":125,"
	"\"treeSha256\":\"0b1234abb9d5d0106bced59ab5edcd127af1259c315a0a6d78f849b02485a18b\","
	"\"layers\":\"tools:3 accepted\",\"config\":\"prod\",\"configSha256\":\"c4\",\"outcome\":\"refused\","
	"\"reason\":\"VF2003\",\"title\":\"signature expired\",\"checks\":["
	"{\"check\":\"integrity\",\"state\":\"ok\",\"found\":\"123 bytes as signed\"},"
	"{\"check\":\"zip-rules\",\"state\":\"ok\"},{\"check\":\"source\",\"state\":\"ok\"},"
	"{\"check\":\"expiry\",\"state\":\"failed\",\"reason\":\"VF2003\",\"mode\":\"Enforce\",\"expected\":\"later\","
	"\"found\":\"expired\"},{\"check\":\"revocation\",\"state\":\"undecided\",\"reason\":\"VF3001\",\"mode\":"
	"\"Warn\","
	"\"expected\":\"a list\",\"found\":\"none\"}],\"profileVersionArn\":\"" ARN "profiles/release/a1B2c3D4e5\","
	"\"jobArn\":\"" ARN "jobs/621a6850-a128-42db-bc30-bd65cc54e187\",\"signedAt\":\"2026-11-01T00:00:00Z\","
	"\"expiresAt\":\"2026-11-02T00:00:00Z\",\"timestampedAt\":\"2026-11-01T00:00:05Z\",\"errno\":\"EKEYEXPIRED\","
	"\"detail\":\"it has \\u0007expired, as all does\",\"remedy\":\"sign it again\"" PREV;

static const char start[] = "{\"schema\":1,\"seq\":1,\"time\":\"2026-11-22T08:00:00.000000Z\",\"boot\":\"b\","
			    "\"event\":\"start\",\"detail\":\"/etc/x\\u001b[2J.conf\",\"of\":\"the future\"" PREV;

static struct event parse(const char *line)
{
	struct event event;
	assert_int_equal(event_parse(line, strlen(line), &event), 0);
	return event;
}

static void members_come_back(void **state UNUSED)
{
	struct event e = parse(refusal);
	assert_int_equal(e.seq, 1234);
	assert_int_equal(e.at_s, 1795334488);
	assert_string_equal(e.kind, "deployment");
	assert_true(e.has_who);
	assert_int_equal(e.uid, 1001);
	assert_int_equal(e.gid, 1002);
	assert_int_equal(e.pid, 17133);
	assert_string_equal(e.slot, "functions/billing");
	assert_int_equal(e.release, 7);
	assert_int_equal(e.rollback_to, 3);
	assert_int_equal(e.kept_release, 6);
	assert_string_equal(e.title, "signature expired");
	assert_true(e.has_checks);
	assert_string_equal(e.checks[POLICY_EXPIRY].expected, "later");
	assert_null(e.checks[POLICY_SOURCE].found);
	assert_string_equal(e.errno_name, "EKEYEXPIRED");
	assert_string_equal(e.remedy, "sign it again");
	assert_true(e.timestamped_at_s == e.signed_at_s + 5);
	event_done(&e);

	e = parse(start);
	assert_false(e.has_who);
	assert_null(e.slot);
	assert_null(event_outcome(&e));
	event_done(&e);
	event_done(&e); /* empty */
}

static void what_is_no_record_is_refused(void **state UNUSED)
{
	static const char *const lines[] = {
		"",
		"{",
		"[]",
		"{\"schema\":2,\"seq\":1,\"event\":\"start\"}",
		"{\"schema\":1,\"seq\":0,\"event\":\"start\"}",
		"{\"schema\":1,\"seq\":1}",
		"{\"schema\":1,\"seq\":-1,\"event\":\"start\"}",
		"{\"schema\":1,\"seq\":\"1\",\"event\":\"start\"}",
		"{\"schema\":1,\"seq\":1,\"seq\":2,\"event\":\"start\"}",
		"{\"schema\":1,\"seq\":1,\"event\":7}",
		"{\"schema\":1,\"seq\":1,\"event\":\"start\",\"time\":\"now\"}",
		"{\"schema\":1,\"seq\":1,\"event\":\"start\",\"time\":\"2026-13-22T08:00:00Z\"}",
		"{\"schema\":1,\"seq\":1,\"event\":\"start\",\"who\":{\"uid\":4294967296}}",
		"{\"schema\":1,\"seq\":1,\"event\":\"x\",\"checks\":[{\"check\":\"luck\"}]}",
		"{\"schema\":1,\"seq\":1,\"event\":\"x\",\"checks\":[{\"check\":\"source\",\"state\":\"ok\"},"
		"{\"check\":\"source\",\"state\":\"ok\"}]}",
	};
	struct event event;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (event_parse(lines[i], strlen(lines[i]), &event) != -EBADMSG)
			fail_msg("%s was taken", lines[i]);
}

static void filters_ask_for_each_member(void **state UNUSED)
{
	const struct {
		struct event_filter filter;
		bool matches;
	} cases[] = {
		{{0}, true},
		{{.slot = "billing"}, true},
		{{.slot = "functions/billing"}, true},
		{{.slot = "layers/billing"}, false},
		{{.slot = "bill"}, false},
		{{.outcome = "refused"}, true},
		{{.outcome = "warned"}, false},
		{{.reason = "VF2003"}, true},
		{{.reason = "VF2004"}, false},
		{{.kind = "deployment"}, true},
		{{.kind = "start"}, false},
		{{.signer = "profiles/release/"}, true},
		{{.signer = "nightly"}, false},
		{{.has_uid = true, .uid = 1001}, true},
		{{.has_uid = true, .uid = 0}, false},
		{{.since_s = 1795334488, .until_s = 1795334488}, true},
		{{.since_s = 1795334489}, false},
		{{.until_s = 1795334487}, false},
		{{.slot = "billing", .outcome = "warned"}, false},
	};
	struct event e = parse(refusal), none = parse(start);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(event_matches(&e, &cases[i].filter), cases[i].matches);
	for (size_t i = 1; i < ARRAY_SIZE(cases) - 4; i++) /* but for times, whatever it is that it has not */
		if (!cases[i].filter.kind)
			assert_false(event_matches(&none, &cases[i].filter));
	event_done(&e);
	event_done(&none);
}

static void list_is_cut_where_the_screen_ends(void **state UNUSED)
{
	struct overview_screen screen = {.columns = 80};
	struct buf text = {0};
	struct event e = parse(refusal);
	assert_int_equal(event_print(&e, &screen, &text), 0);
	assert_string_equal(text.data,
			    "  1234  2026-11-22T08:01:28Z  refused VF2003      billing\n"
			    "        uid 1001 (c\\x1bp): a.zip, release 7: rollback to release 3: it has \\x...\n");
	for (const char *line = text.data; *line; line = strchr(line, '\n') + 1)
		assert_true(strcspn(line, "\n") <= 80);
	buf_done(&text);
	event_done(&e);

	screen = (struct overview_screen){.columns = 1000, .has_colour = true};
	e = parse(start);
	assert_int_equal(event_print(&e, &screen, &text), 0);
	assert_string_equal(text.data, "     1  2026-11-22T08:00:00Z  start\n        /etc/x\\x1b[2J.conf\n");
	buf_reset(&text);
	event_done(&e);
	e = parse("{\"schema\":1,\"event\":\"missed\",\"firstSeq\":5,\"lastSeq\":9,\"count\":5}");
	assert_int_equal(event_print(&e, &screen, &text), 0);
	assert_string_equal(text.data, "     -  \033[33mmissed\033[0m  5 records, 5 to 9\n");
	buf_done(&text);
	event_done(&e);
}

static void decision_reads_as_why_does(void **state UNUSED)
{
	struct buf text = {0};
	struct event e = parse(refusal);
	assert_int_equal(event_print_why(&e, &text), 0);
	assert_string_equal(text.data,
			    "VF2003 refused  slot=functions/billing  artifact=a.zip  config=prod\n"
			    "  rollback          to release 3, judged as a deployment is\n"
			    "  signature expired\n"
			    "  tree-sha256       0b1234abb9d5d0106bced59ab5edcd127af1259c315a0a6d78f849b02485a18b\n"
			    "  signer            " ARN "profiles/release/a1B2c3D4e5\n"
			    "  job               " ARN "jobs/621a6850-a128-42db-bc30-bd65cc54e187\n"
			    "  signed at         2026-11-01T00:00:00Z, valid until 2026-11-02T00:00:00Z\n"
			    "  time stamp        2026-11-01T00:00:05Z\n"
			    "  check integrity   ok      123 bytes as signed\n"
			    "  check zip-rules   ok\n"
			    "  check source      ok\n"
			    "  check expiry      FAILED  expired  (Enforce)\n"
			    "                            expected: later\n"
			    "  check revocation  could not be checked  none  (Warn)\n"
			    "                            expected: a list\n"
			    "  detail            it has \\x07expired, as all does\n"
			    "  remedy            sign it again\n"
			    "  kept              release 6 is still served\n"
			    "  by                uid 1001 gid 1002 pid 17133 c\\x1bp  at 2026-11-22T08:01:28Z\n"
			    "  event             1234\n"
			    "  layers            tools:3 accepted\n");
	buf_done(&text);
	event_done(&e);
}

static void other_events_are_shown_whole(void **state UNUSED)
{
	struct buf text = {0};
	struct event e = parse(start);
	assert_int_equal(event_print_why(&e, &text), 0);
	assert_string_equal(text.data, "start\n  detail            /etc/x\\x1b[2J.conf\n"
				       "  at                2026-11-22T08:00:00Z\n  event             1\n");
	buf_done(&text);
	event_done(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_come_back),	       cmocka_unit_test(what_is_no_record_is_refused),
		cmocka_unit_test(filters_ask_for_each_member), cmocka_unit_test(list_is_cut_where_the_screen_ends),
		cmocka_unit_test(decision_reads_as_why_does),  cmocka_unit_test(other_events_are_shown_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
