#include "signer_fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "zip_builder.h"

static int remove_one(const char *path, const struct stat *st UNUSED, int type UNUSED, struct FTW *at UNUSED)
{
	return remove(path);
}

const char *signer_fixture_path(struct signer_fixture *f, const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % 8];
	ASSERT(snprintf(path, sizeof(paths[0]), "%s/%s", f->directory, name) < (int)sizeof(paths[0]));
	return path;
}

void signer_fixture_write(struct signer_fixture *f, const char *name, const void *bytes, size_t len)
{
	FILE *file = fopen(signer_fixture_path(f, name), "we");
	ASSERT(file);
	ASSERT(fwrite(bytes, 1, len, file) == len);
	ASSERT(fclose(file) == 0);
}

struct buf signer_fixture_read(struct signer_fixture *f, const char *name)
{
	struct buf content = {0};
	ASSERT(io_read_path(signer_fixture_path(f, name), 1 << 20, &content) == 0);
	return content;
}

bool signer_fixture_exists(struct signer_fixture *f, const char *name)
{
	return access(signer_fixture_path(f, name), F_OK) == 0;
}

size_t signer_fixture_count(struct signer_fixture *f, const char *directory)
{
	struct io_names names = {0};
	int fd = io_open_dir(signer_fixture_path(f, directory));
	ASSERT(fd >= 0 && io_list_dir(fd, ".", &names) == 0);
	size_t count = names.count;
	io_names_done(&names);
	io_close(&fd);
	return count;
}

void signer_fixture_set_clock(struct signer_fixture *f, const char *utc)
{
	signer_fixture_write(f, "clock", utc, strlen(utc));
}

int signer_setup_empty(void **state)
{
	struct signer_fixture *f = calloc(1, sizeof(*f));
	ASSERT(f);
	const char *base = getenv("TMPDIR");
	ASSERT(snprintf(f->directory, sizeof(f->directory), "%s/vouchfs-signer.XXXXXX", base ? base : "/tmp") <
	       (int)sizeof(f->directory));
	ASSERT(mkdtemp(f->directory));
	(void)snprintf(f->home, sizeof(f->home), "%s/home", f->directory);
	signer_fixture_set_clock(f, FIXTURE_NOW_TEXT);
	ASSERT(setenv("VOUCHFS_TEST_CLOCK", signer_fixture_path(f, "clock"), 1) == 0);
	*state = f;
	return 0;
}

int signer_setup(void **state)
{
	(void)signer_setup_empty(state);
	struct signer_fixture *f = *state;
	ASSERT(signer_create_account(f->home, FIXTURE_ACCOUNT, SIGNER_REGION_DEFAULT, &f->why) == 0);
	ASSERT(signer_open(f->home, &f->signer, &f->why) == 0);
	return 0;
}

int signer_teardown(void **state)
{
	struct signer_fixture *f = *state;
	signer_close(f->signer);
	(void)nftw(f->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	(void)unsetenv("VOUCHFS_TEST_CLOCK");
	free(f);
	return 0;
}

int signer_fixture_run_with_fault(struct signer_fixture *f, int (*step)(struct signer_fixture *f), const char *fault)
{
	pid_t pid = fork();
	ASSERT(pid >= 0);
	if (pid == 0) {
		ASSERT(setenv("VOUCHFS_TEST_FAULT", fault, 1) == 0);
		io_fault_arm();
		_exit(-step(f));
	}
	int status;
	ASSERT(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status))
		return -WEXITSTATUS(status);
	ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return 1;
}

unsigned signer_fixture_cut_off_at_every_call(struct signer_fixture *f, int (*step)(struct signer_fixture *f),
					      const char *what)
{
	for (unsigned n = 1;; n++) {
		ASSERT(n < 200); /* it never succeeds */
		char fault[32];
		(void)snprintf(fault, sizeof(fault), "*:%u:%s", n, what);
		if (signer_fixture_run_with_fault(f, step, fault) == 0)
			return n - 1;
	}
}

struct buf signer_fixture_zip(const char *comment)
{
	struct zip_builder z = {0};
	(void)zip_builder_add(&z, "app.py", "print(1)\n");
	(void)zip_builder_add_dir(&z, "data/");
	ASSERT(buf_puts(&z.comment, comment) == 0);
	return zip_builder_finish(&z);
}

struct signer_profile signer_fixture_profile(struct signer_fixture *f, const char *name)
{
	struct signer_profile profile;
	ASSERT(signer_put_profile(f->signer, name, FIXTURE_PLATFORM, NULL, &profile, &f->why) == 0);
	return profile;
}
