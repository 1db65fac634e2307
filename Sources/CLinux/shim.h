#pragma once
// The Linux and glibc calls that Swift's Glibc module lacks. accept4 is declared by hand: <sys/socket.h> here would make this
// module, and no longer Glibc, the home of the socket types.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/xattr.h>

struct sockaddr;
extern int accept4(int descriptor, struct sockaddr *address, unsigned int *length, int flags);
extern int malloc_trim(unsigned long pad);

// prctl takes as many arguments as its option has, which Swift does not call.
#include <sys/prctl.h>
static inline int tokenwell_set_undumpable(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }
