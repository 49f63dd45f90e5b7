/* Whether keys of a home are in tokens: then the file of a key holds a reference to it. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "crypto/cert.h"
#include "home.h"
#include "signer/signer.h"

#define REFERENCE_SIZE 8

static bool is_reference(int dirfd, const char *path)
{
	char start[REFERENCE_SIZE];
	int fd = io_openat(dirfd, path, O_RDONLY | O_NONBLOCK, 0);
	ssize_t got = fd < 0 ? 0 : io_pread(fd, start, sizeof(start), 0);
	io_close(&fd);
	return got > 0 && crypto_key_is_reference(start, (size_t)got);
}

static bool has_references(int home, const char *profile)
{
	char versions[HOME_PATH_SIZE], key[HOME_PATH_SIZE];
	struct io_names names = {0};
	bool found = false;
	if (snprintf(versions, sizeof(versions), "profiles/%s/versions", profile) >= (int)sizeof(versions) ||
	    io_list_dir(home, versions, &names) < 0)
		return false;
	for (size_t i = 0; i < names.count && !found; i++)
		if (snprintf(key, sizeof(key), "%s/%s/key.pem", versions, names.names[i]) < (int)sizeof(key))
			found = is_reference(home, key);
	io_names_done(&names);
	return found;
}

bool signer_uses_tokens(const char *home)
{
	struct io_names profiles = {0};
	int fd = io_open_dir(home);
	bool found = fd >= 0 && is_reference(fd, HOME_CA_KEY);
	if (fd >= 0 && !found && io_list_dir(fd, "profiles", &profiles) == 0)
		for (size_t i = 0; i < profiles.count && !found; i++)
			found = has_references(fd, profiles.names[i]);
	io_names_done(&profiles);
	io_close(&fd);
	return found;
}
