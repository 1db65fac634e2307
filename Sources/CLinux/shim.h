#pragma once
// The Linux calls that Swift's Glibc module lacks. accept4 is declared by hand: <sys/socket.h> here would make this
// module, and no longer Glibc, the home of the socket types.
#include <sys/epoll.h>
#include <sys/eventfd.h>

struct sockaddr;
extern int accept4(int descriptor, struct sockaddr *address, unsigned int *length, int flags);
