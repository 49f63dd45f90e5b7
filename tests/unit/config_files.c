#include "config_files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

int config_files_setup(void **state)
{
	struct config_files *files = calloc(1, sizeof(*files));
	const char *tmp = getenv("TMPDIR");
	if (!files)
		return -1;
	*state = files;
	(void)snprintf(files->dir, sizeof(files->dir), "%s/vouchfs-config-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(files->dir))
		return -1;
	(void)snprintf(files->main_path, sizeof(files->main_path), "%s/vouchfs.conf", files->dir);
	return 0;
}

static int remove_one(const char *path, const struct stat *st UNUSED, int type UNUSED, struct FTW *at UNUSED)
{
	return remove(path);
}

int config_files_teardown(void **state)
{
	struct config_files *files = *state;
	int r = nftw(files->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	config_free(files->config);
	buf_done(&files->errors);
	free(files);
	return r;
}

void config_files_write(struct config_files *files, const char *name, const void *bytes, size_t len)
{
	char path[512];
	(void)snprintf(path, sizeof(path), "%s/%s", files->dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_int_equal(close(fd), 0);
}

void config_files_puts(struct config_files *files, const char *name, const char *text)
{
	config_files_write(files, name, text, strlen(text));
}

void config_files_good(struct config_files *files, const char *more)
{
	static const char good[] = "[vouchfs]\n"
				   "account = 111122223333\n"
				   "[account 111122223333]\n"
				   "certificate = a.pem\n"
				   "revocations_required = no\n"
				   "[code-signing-config approved]\n"
				   "allowed_publisher = arn:vouchfs:signer:local:111122223333:/signing-profiles/app\n"
				   "[function main]\n"
				   "code_signing_config = approved\n";
	char text[4096];
	assert_true(snprintf(text, sizeof(text), "%s%s", good, more) < (int)sizeof(text));
	config_files_puts(files, "vouchfs.conf", text);
}

void config_files_put_conf_d(struct config_files *files, const char *name, const char *text)
{
	char path[512];
	(void)snprintf(path, sizeof(path), "%s/" CONFIG_CONF_D, files->dir);
	assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
	(void)snprintf(path, sizeof(path), CONFIG_CONF_D "/%s", name);
	config_files_puts(files, path, text);
}

int config_files_load_governed(struct config_files *files, const struct config_members *bundle)
{
	config_free(files->config);
	files->config = NULL;
	buf_reset(&files->errors);
	return config_load_governed(files->main_path, bundle, &files->config, &files->errors);
}

int config_files_load(struct config_files *files)
{
	return config_files_load_governed(files, NULL);
}

void config_files_expect_error(struct config_files *files, const char *text)
{
	assert_int_equal(config_files_load(files), -EINVAL);
	config_files_assert_error(files, text);
}

void config_files_assert_error(const struct config_files *files, const char *text)
{
	assert_null(files->config);
	if (!strstr(files->errors.data, text))
		fail_msg("expected an error with \"%s\", found:\n%s", text, files->errors.data);
	if (strchr(files->errors.data, '\n') != files->errors.data + files->errors.len - 1)
		fail_msg("expected one error, found:\n%s", files->errors.data);
}
