/* Faults on demand, for tests only: see io.h. */
#include "base/io.h"

#ifdef VOUCHFS_TEST_HOOKS

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

static atomic_bool armed;
static atomic_ullong calls;

void io_fault_arm(void)
{
	atomic_store(&calls, 0);
	atomic_store(&armed, true);
}

void io_fault_arm_from(const char *moment)
{
	const char *from = getenv("VOUCHFS_TEST_FAULT_FROM");
	atomic_store(&armed, false);
	if (strcmp(moment, from ? from : "served") == 0)
		io_fault_arm();
}

static int errno_by_name(const char *name)
{
	static const struct {
		const char *name;
		int value;
	} known[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EOPNOTSUPP", EOPNOTSUPP}};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(name, known[i].name) == 0)
			return known[i].value;
	return 0;
}

int io_fault(const char *call)
{
	const char *spec = getenv("VOUCHFS_TEST_FAULT");
	if (!spec || !atomic_load(&armed))
		return 0;

	const char *nth_text = strchr(spec, ':');
	const char *what = nth_text ? strchr(nth_text + 1, ':') : NULL;
	uint64_t nth = 0;
	bool and_later = what && what[-1] == '+';
	ASSERT(what && text_parse_u64(nth_text + 1, (size_t)(what - nth_text - 1 - and_later), UINT64_MAX, &nth));
	size_t name_len = (size_t)(nth_text - spec);
	if (!text_equal(spec, name_len, "*") && !text_equal(spec, name_len, call))
		return 0;
	uint64_t call_number = atomic_fetch_add(&calls, 1) + 1;
	if (and_later ? call_number < nth : call_number != nth)
		return 0;

	if (strcmp(what + 1, "kill") == 0)
		ASSERT(kill(getpid(), SIGKILL) == 0);
	if (strcmp(what + 1, "stop") == 0) /* this thread is the first that stops */
		return raise(SIGSTOP) == 0 ? 0 : -EIO;
	int error = errno_by_name(what + 1);
	ASSERT(error > 0);
	return -error;
}

#else

typedef int io_fault_is_empty_in_release_builds;

#endif
