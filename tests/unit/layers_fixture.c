#include "layers_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/slots/internal.h"
#include "zip_builder.h"

const char layers_fixture_head[] = "keep_releases = 2\n";
static const char layers[] = "[layer *]\n[principal " OTHER "]\nuser = 4242\n"
			     "[principal " MEMBER_ACCOUNT "]\nuser = 4250\norganization = " ORGANIZATION "\n";

static void write_config(struct slots_fixture *f, const char *vouchfs_lines, const char *rest)
{
	char text[4096];
	(void)snprintf(text, sizeof(text), "%s%s", rest, layers);
	slots_fixture_configure(f, vouchfs_lines, text);
}

static void reload(struct slots_fixture *f)
{
	struct buf errors = {0};
	if (slots_reload(f->slots, &errors) != 0)
		fail_msg("%s", errors.data);
	buf_done(&errors);
}

void layers_fixture_configure(struct slots_fixture *f, const char *vouchfs_lines, const char *rest)
{
	write_config(f, vouchfs_lines, rest);
	reload(f);
}

void layers_fixture_publish(struct slots_fixture *f, const char *layer, const char *file, const char *content,
			    bool is_signed)
{
	char directory[96];
	struct zip_builder z = {0};
	(void)zip_builder_add(&z, file, content);
	struct buf zip = zip_builder_finish(&z), signed_zip = {0};
	trust_fixture_sign_zip(&f->host->alice, zip.data, zip.len, &signed_zip);
	(void)snprintf(directory, sizeof(directory), "layers/%s", layer);
	if (slots_fixture_deploy_has(f, directory) < 0)
		assert_int_equal(slots_fixture_mkdir(f, "layers", layer), 0);
	assert_int_equal(slots_fixture_put(f, directory, "new.zip", is_signed ? &signed_zip : &zip), 0);
	buf_done(&zip);
	buf_done(&signed_zip);
}

int layers_fixture_setup(void **state)
{
	int r = slots_fixture_setup(state);
	if (r < 0)
		return r;
	struct slots_fixture *f = *state;
	layers_fixture_configure(f, layers_fixture_head, slots_fixture_rest);
	layers_fixture_publish(f, "base", "which", "base 1", true);
	layers_fixture_publish(f, "tools", "tool", "tools 1", true);
	layers_fixture_publish(f, "plain", "plain", "plain 1", false);
	return 0;
}

int layers_fixture_attach(struct slots_fixture *f, const char *directory, const char *text)
{
	const struct buf bytes = {.data = (char *)(uintptr_t)text, .len = strlen(text)};
	return slots_fixture_put(f, directory, "layers", &bytes);
}

void layers_fixture_assert_why(struct slots_fixture *f, const char *function, const char *part)
{
	char path[96];
	struct buf why = {0};
	(void)snprintf(path, sizeof(path), ".vouchfs/why/functions/%s", function);
	slots_fixture_read(f, path, &why);
	gate_fixture_assert_says(&why, part);
	buf_done(&why);
}

void layers_fixture_assert_list(struct slots_fixture *f, const char *directory, const char *expected)
{
	char path[96];
	struct buf text = {0};
	(void)snprintf(path, sizeof(path), "%s/layers", directory);
	slots_fixture_read(f, path, &text);
	assert_string_equal(text.data, expected);
	assert_true(slots_fixture_lists(f, directory, "layers"));
	buf_done(&text);
}

void layers_fixture_assert_no_list(struct slots_fixture *f, const char *directory)
{
	char path[96];
	(void)snprintf(path, sizeof(path), "%s/layers", directory);
	assert_int_equal(slots_fixture_deploy_has(f, path), -ENOENT);
	assert_false(slots_fixture_lists(f, directory, "layers"));
}

void layers_fixture_assert_served(struct slots_fixture *f, const char *path, const char *expected)
{
	int error;
	const char *found = slots_fixture_marker(f, path, &error);
	if (error != 0)
		fail_msg("%s: %s", path, strerror(-error));
	assert_string_equal(found, expected);
}

uint64_t layers_fixture_release(struct slots_fixture *f, const char *function)
{
	struct slot *slot;
	assert_int_equal(slot_find(f->slots, function, &slot), 0);
	struct release *current = slot_current(slot);
	uint64_t number = current ? current->record->number : 0;
	release_put(current);
	return number;
}
