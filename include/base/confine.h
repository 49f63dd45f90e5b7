/*
 * confine.h - what a process gives up for good: places in the file system (Landlock) and system calls (seccomp), each
 * by a small table. Nothing that is given up comes back, neither for this process nor for what it starts.
 *
 * Both want PR_SET_NO_NEW_PRIVS. What is open already stays as it is. stat(2), paths to walk through and watches of
 * inotify(7) are not Landlock's to refuse; what is opened, made, renamed, linked or removed is.
 */
#ifndef BASE_CONFINE_H
#define BASE_CONFINE_H

#include "base/base.h"

/* ---- places ---- */

enum confine_use {
	CONFINE_READ = 1 << 0,	/* files and directories */
	CONFINE_WRITE = 1 << 1, /* what is there */
	CONFINE_MAKE = 1 << 2,	/* make, rename, link and remove files */
	CONFINE_DIRS = 1 << 3,	/* make, rename and remove directories */
};

struct confine_place {
	const char *path; /* and all below it; one that is not there gives nothing */
	unsigned uses;
};

struct confine_files {
	bool reading_too; /* else reading is as files' modes have it, and all that is said of sockets and signals... */
	bool has_network; /* ...is left as it is; or of TCP alone */
	const struct confine_place *places;
	size_t count;
};

/* Whether this kernel can: Linux 5.19 and Landlock not switched off. */
bool confine_has_files(void);

/*
 * From here on this thread, and those that it makes, use files as the places say, and execute none. Where the kernel
 * can: no TCP, no abstract sockets and no signals to others either. -EOPNOTSUPP: it cannot.
 */
int confine_files(const struct confine_files *files);

/* ---- calls ---- */

/* The first row that fits a call decides. */
struct confine_call {
	int number;
	uint16_t error;	  /* 0: allowed; else what the call says */
	uint8_t argument; /* which one is looked at, the lower half of it... */
	uint32_t mask;	  /* ...and which bits; 0: none is */
	uint32_t value;	  /* that these have to have */
};

enum confine_others {
	CONFINE_KILLS = 0,  /* what no row fits kills the process */
	CONFINE_ALLOWS = 1, /* it goes through */
};

/* Whether this kernel can, on this machine. */
bool confine_has_calls(void);

/* For all threads of the process, from here on. Calls of another architecture kill. -EOPNOTSUPP: there is no filter. */
int confine_calls(const struct confine_call *calls, size_t count, enum confine_others others);

/* clone3 keeps its flags out of sight; the C library falls back to clone, whose can be looked at. */
#define CONFINE_NO_CLONE3                                                                                              \
	{                                                                                                              \
		.number = SYS_clone3, .error = ENOSYS                                                                  \
	}

#endif
