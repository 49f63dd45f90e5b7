/* `vouchfs --version`: the version, then what else a report of a bug needs. Declared in version.h. */
#include "version.h"

#include <stdio.h>
#include <sys/utsname.h>

#include "archive/libraries.h"
#include "cli/cli.h"
#include "crypto/libraries.h"
#include "fs/mount.h"

#ifdef HAVE_SYSTEMD
#define WITH_SYSTEMD "with libsystemd"
#else
#define WITH_SYSTEMD "without libsystemd"
#endif

int cli_print_version(void)
{
	struct buf archive = {0};
	struct utsname machine;
	int r = archive_print_libraries(&archive);
	(void)puts("vouchfs " VOUCHFS_VERSION);
	(void)printf("%s, libfuse %s\n", crypto_library(), fs_library_version());
	if (r == 0)
		(void)printf("%s\n", archive.data);
	if (uname(&machine) == 0)
		(void)printf("%s %s %s, " WITH_SYSTEMD "\n", machine.sysname, machine.release, machine.machine);
	buf_done(&archive);
	return CLI_EXIT_OK;
}
