#include "confine_child.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"

int confine_child(int (*run)(void))
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		const struct rlimit none = {0};
		ASSERT(setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
		_exit(run());
	}
	ASSERT(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}
