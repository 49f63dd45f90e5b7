/* The page about a host: as it is written, and what hostile names do in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "views_fixture.h"

struct scene {
	struct overview *overview;
	struct overview_signers *signers;
	struct overview_histories *histories;
};

static struct scene scene_new(void)
{
	struct scene scene = {overview_fixture_new_troubled(), views_fixture_signers(), views_fixture_histories()};
	views_fixture_add_publishers(scene.overview);
	return scene;
}

static void scene_done(struct scene *scene)
{
	overview_free(scene->overview);
	overview_signers_free(scene->signers);
	overview_histories_free(scene->histories);
}

static void render(const struct scene *scene, struct buf *ret)
{
	const struct overview_report report = {.overview = scene->overview,
					       .signers = scene->signers,
					       .histories = scene->histories,
					       .mountpoint = "/srv/functions"};
	assert_int_equal(overview_print_html(&report, ret), 0);
}

static void has(const struct buf *page, const char *text)
{
	if (!strstr(page->data, text))
		fail_msg("not on the page: %s", text);
}

static void has_not(const struct buf *page, const char *text)
{
	if (strstr(page->data, text))
		fail_msg("on the page: %s", text);
}

static void test_troubled(void **state UNUSED)
{
	struct scene scene = scene_new();
	struct buf page = {0};
	render(&scene, &page);
	views_fixture_compare(&page, "troubled.html");
	buf_done(&page);
	scene_done(&scene);
}

/* Nothing is wrong, nothing is known of the signers, nothing is deployed. */
static void test_empty(void **state UNUSED)
{
	struct scene scene = {.overview = overview_fixture_new(), .histories = overview_histories_new()};
	struct buf page = {0};
	render(&scene, &page);
	has(&page, "Nothing needs attention.");
	has(&page, "There are none yet.");
	has(&page, "Nothing is deployed, so nothing would be refused.");
	has(&page, "No function has a release yet.");
	has(&page, "give the report --home DIR");
	has_not(&page, "class=\"badge bad\"");
	buf_done(&page);
	scene_done(&scene);
}

static void test_policy(void **state UNUSED)
{
	struct scene scene = scene_new();
	struct buf page = {0};
	struct overview_policy *policy = overview_fixture_govern(scene.overview);
	render(&scene, &page);
	has(&page, "<li><a href=\"#policy\">Policy</a></li>");
	has(&page, "<dt>Bundle</dt><dd>7 <span class=\"badge good\">in force</span></dd>");
	has(&page, "The host does not differ from it");
	has_not(&page, "It signs the policy.");
	has(&page, "policy signature of <strong>bundle 7</strong>");
	overview_fixture_set(&policy->profile_version_arn,
			     "arn:vouchfs:signer:local:999988887777:/signing-profiles/policy/QwErTyUiOp");
	struct overview_account *account = overview_add_account(scene.overview);
	assert_non_null(account);
	overview_fixture_set(&account->id, "999988887777");
	overview_fixture_set(&account->list_state, "none");
	buf_reset(&page);
	render(&scene, &page);
	has(&page, "It signs the policy. No code-signing config names a profile of it.");
	overview_fixture_set(&policy->description, "<script>alert(1)</script>");
	overview_fixture_set(&policy->source, "https://x/\"><b>");
	overview_fixture_set(&policy->rollback_reason, "<i>");
	overview_fixture_set(&policy->fetch_error, "</dl>&\xe2\x80\xae");
	overview_fixture_add_drift(policy, OVERVIEW_DRIFT_LOCAL, "<img src=x>");
	policy->drift_count = policy->drift_by_kind[OVERVIEW_DRIFT_LOCAL] = 3;
	buf_reset(&page);
	render(&scene, &page);
	has(&page, "&lt;script&gt;alert(1)");
	has(&page, "<li>local &lt;img src=x&gt;</li>\n<li>and 2 more</li>");
	has(&page, "\">rolled back</span>");
	has_not(&page, "<script");
	has_not(&page, "<img");
	has_not(&page, "<b>");
	overview_fixture_set(&policy->state, OVERVIEW_POLICY_LOST);
	overview_fixture_set(&policy->detail, "gone <u>");
	buf_reset(&page);
	render(&scene, &page);
	has(&page, "\">LOST</span>");
	has(&page, "gone &lt;u&gt;");
	buf_done(&page);
	scene_done(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_troubled),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_policy),
	};
	return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
