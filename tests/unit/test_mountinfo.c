/* The table of mounts: escapes, optional fields, which mounts are ours, and whom to believe. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/fs/mountinfo.h"

#define CONF  "/etc/vouchfs/vouchfs.conf"
#define ROOTS "rw,user_id=0,group_id=0,default_permissions,allow_other"
#define USERS "rw,user_id=1000,group_id=1000,default_permissions"

static void parse(const char *text, struct mountinfo *ret)
{
	char *copy = strdup(text);
	assert_non_null(copy);
	assert_int_equal(mountinfo_parse(copy, ret), 0);
}

static void reads_fields_and_escapes(void **state UNUSED)
{
	struct mountinfo info;
	parse("21 1 8:1 / / rw,relatime shared:1 master:2 - ext4 /dev/sda1 rw,errors=remount-ro\n"
	      "42 21 0:39 /a\\040b /mnt/with\\040blank\\134 rw,nosuid - fuse.vouchfs /etc/x\\012y.conf " USERS "\n",
	      &info);
	assert_int_equal(info.count, 2);
	const struct mountinfo_entry *plain = &info.entries[0], *ours = &info.entries[1];
	assert_int_equal(plain->id, 21);
	assert_string_equal(plain->type, "ext4");
	assert_false(plain->has_user);
	assert_false(plain->read_only); /* "errors=remount-ro" is another option */
	assert_int_equal(ours->parent, 21);
	assert_string_equal(ours->device, "0:39");
	assert_string_equal(ours->root, "/a b");
	assert_string_equal(ours->mountpoint, "/mnt/with blank\\");
	assert_string_equal(ours->source, "/etc/x\ny.conf");
	assert_true(ours->has_user);
	assert_int_equal(ours->user, 1000);
	mountinfo_done(&info);
}

static void refuses_what_is_no_table(void **state UNUSED)
{
	static const char *const bad[] = {
		"21 1 8:1 / / rw\n",
		"21 1 8:1 / / rw - ext4 /dev/sda1\n",
		"x 1 8:1 / / rw - ext4 /dev/sda1 rw\n",
		"21 1 0:3 / /m rw - fuse.vouchfs c rw,user_id=-1\n",
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct mountinfo info;
		assert_int_equal(mountinfo_parse(strdup(bad[i]), &info), -EBADMSG);
	}
}

static void finds_the_topmost_mount(void **state UNUSED)
{
	struct mountinfo info;
	parse("30 1 0:30 / /m rw - tmpfs below rw\n31 30 0:31 / /m rw - tmpfs above rw\n", &info);
	assert_string_equal(mountinfo_at(&info, "/m")->source, "above");
	assert_null(mountinfo_at(&info, "/mm"));
	assert_null(mountinfo_at(&info, "/"));
	mountinfo_done(&info);
}

static void finds_both_sides_of_root(void **state UNUSED)
{
	struct mountinfo info;
	parse("40 1 0:40 / /m rw - fuse.vouchfs " CONF " " ROOTS "\n"
	      "42 1 0:41 / /sandbox/run ro - fuse.vouchfs " CONF " ro,user_id=0\n"
	      "41 40 0:41 / /m/run ro - fuse.vouchfs " CONF " ro,user_id=0\n"
	      "43 1 0:43 / /other rw - fuse.vouchfs /etc/other.conf " ROOTS "\n",
	      &info);
	const struct mountinfo_entry *deploy = mountinfo_find_tree(&info, MOUNTINFO_DEPLOYMENT, CONF, 1000);
	assert_non_null(deploy);
	assert_string_equal(deploy->mountpoint, "/m");
	assert_string_equal(mountinfo_find_run(&info, deploy)->mountpoint, "/m/run");
	assert_null(mountinfo_find_run(&info, mountinfo_find_tree(&info, MOUNTINFO_DEPLOYMENT, "/etc/other.conf", 0)));
	assert_null(mountinfo_find_tree(&info, MOUNTINFO_DEPLOYMENT, "/etc/none.conf", 0));
	mountinfo_done(&info);
}

static void tells_signing_from_deployments(void **state UNUSED)
{
	struct mountinfo info;
	parse("40 1 0:40 / /s rw - fuse.vouchfs-signer /home/s " ROOTS "\n"
	      "41 1 0:41 / /x rw - fuse.vouchfs-other /home/x " ROOTS "\n",
	      &info);
	assert_string_equal(mountinfo_find_tree(&info, MOUNTINFO_SIGNING, "/home/s", 0)->mountpoint, "/s");
	assert_null(mountinfo_find_tree(&info, MOUNTINFO_DEPLOYMENT, "/home/s", 0));
	assert_null(mountinfo_find_run(&info, &info.entries[0]));
	assert_true(mountinfo_is_vouchfs(&info.entries[0]));
	assert_false(mountinfo_is_vouchfs(&info.entries[1]));
	mountinfo_done(&info);
}

static void takes_a_bind_mount_of_a_part_for_none(void **state UNUSED)
{
	struct mountinfo info;
	parse("40 1 0:40 /functions/f /srv/f rw - fuse.vouchfs " CONF " " ROOTS "\n"
	      "41 1 0:40 / /m rw - fuse.vouchfs " CONF " " ROOTS "\n",
	      &info);
	assert_string_equal(mountinfo_find_tree(&info, MOUNTINFO_DEPLOYMENT, CONF, 0)->mountpoint, "/m");
	mountinfo_done(&info);
}

/* Type and source are what somebody wrote after -o; user_id is the kernel's. */
static void does_not_believe_another_user(void **state UNUSED)
{
	struct mountinfo info;
	parse("40 1 0:40 / /home/u/m rw - fuse.vouchfs " CONF " " USERS "\n"
	      "41 1 0:41 / /home/u/n rw - fuse.vouchfs " CONF " rw,fd=3\n"
	      "42 1 0:42 / /home/u/o rw - fuse.other " CONF " " ROOTS "\n",
	      &info);
	assert_null(mountinfo_find_tree(&info, MOUNTINFO_DEPLOYMENT, CONF, 0));
	assert_null(mountinfo_find_tree(&info, MOUNTINFO_DEPLOYMENT, CONF, 1001));
	assert_string_equal(mountinfo_find_tree(&info, MOUNTINFO_DEPLOYMENT, CONF, 1000)->mountpoint, "/home/u/m");
	mountinfo_done(&info);
}

static void finds_the_run_side_of_a_user_elsewhere(void **state UNUSED)
{
	struct mountinfo info;
	parse("40 1 0:40 / /home/u/m rw - fuse.vouchfs " CONF " " USERS "\n"
	      "41 1 0:41 / /run/user/1001/x/run ro - fuse.vouchfs " CONF " ro,user_id=1001\n"
	      "42 1 0:42 / /run/user/1000/x/run ro - fuse.vouchfs " CONF " ro,user_id=1000\n",
	      &info);
	const struct mountinfo_entry *deploy = mountinfo_find_tree(&info, MOUNTINFO_DEPLOYMENT, CONF, 1000);
	assert_string_equal(mountinfo_find_run(&info, deploy)->mountpoint, "/run/user/1000/x/run");
	mountinfo_done(&info);
}

static void finds_the_run_side_of_a_confined_service_beside(void **state UNUSED)
{
	struct mountinfo info;
	parse("40 1 0:40 / /m rw - fuse.vouchfs " CONF " " ROOTS "\n"
	      "41 1 0:41 / /run/vouchfs-sandbox ro - fuse.vouchfs " CONF " ro,user_id=0\n"
	      "42 1 0:41 / /var/run/vouchfs-0/run ro - fuse.vouchfs " CONF " ro,user_id=0\n"
	      "43 1 0:43 / /run/vouchfs-1/run ro - fuse.vouchfs /etc/other.conf ro,user_id=0\n"
	      "44 1 0:41 / /run/vouchfs-0/run ro - fuse.vouchfs " CONF " ro,user_id=0\n",
	      &info);
	const struct mountinfo_entry *deploy = mountinfo_find_tree(&info, MOUNTINFO_DEPLOYMENT, CONF, 0);
	assert_string_equal(mountinfo_find_run(&info, deploy)->mountpoint, "/run/vouchfs-0/run");
	mountinfo_done(&info);
}

static void reads_the_kernels_table(void **state UNUSED)
{
	struct mountinfo info;
	assert_int_equal(mountinfo_read(&info), 0);
	assert_non_null(mountinfo_at(&info, "/proc"));
	mountinfo_done(&info);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_fields_and_escapes),
		cmocka_unit_test(refuses_what_is_no_table),
		cmocka_unit_test(finds_the_topmost_mount),
		cmocka_unit_test(finds_both_sides_of_root),
		cmocka_unit_test(tells_signing_from_deployments),
		cmocka_unit_test(takes_a_bind_mount_of_a_part_for_none),
		cmocka_unit_test(does_not_believe_another_user),
		cmocka_unit_test(finds_the_run_side_of_a_user_elsewhere),
		cmocka_unit_test(finds_the_run_side_of_a_confined_service_beside),
		cmocka_unit_test(reads_the_kernels_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
