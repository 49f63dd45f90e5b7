/* confine_child.h - for tests of what there is no way back from: each in a process of its own. */
#ifndef TESTS_CONFINE_CHILD_H
#define TESTS_CONFINE_CHILD_H

/* What run returns (0 to 100); -SIGNAL when a signal ended it. No new privileges are set before. */
int confine_child(int (*run)(void));

/* In such a process: the line that was not as it should be. */
#define EXPECT(condition)                                                                                              \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			return __LINE__;                                                                               \
	} while (0)

#endif
