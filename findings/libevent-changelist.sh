#!/usr/bin/env bash
# Guess: event_add of an event that the kernel refuses, such as one of a regular
# file with epoll, fails, whether or not the changes are collected until the next
# wait; or a later call of the loop says that it was refused.
# Version: libevent as Debian has it (2.1.12-stable-8+deb12u1), Linux.
# Needs apt-get, dpkg, and gcc.
# Seen: with EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST, event_add and the loop both
# return 0 and the event stays pending for good. Only a warning in the log tells.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

apt-get -o APT::Sandbox::User=root download -qq libevent-dev=2.1.12-stable-8+deb12u1
dpkg -x libevent-dev_*.deb .

cat > main.c <<'END'
#include <fcntl.h>
#include <stdio.h>

#include <event2/event.h>

static int calls, warnings;

static void handle(evutil_socket_t fd, short what, void *arg)
{
	calls++;
}

static void warn(int severity, const char *message)
{
	warnings++;
}

/* try adds an event of a regular file and looks once. */
static int try(enum event_base_config_flag flag)
{
	struct event_config *config = event_config_new();
	if (config == NULL || event_config_set_flag(config, flag) != 0)
		return 1;
	struct event_base *base = event_base_new_with_config(config);
	int fd = open("main.c", O_RDONLY);
	if (base == NULL || fd < 0)
		return 1;
	struct event *event = event_new(base, fd, EV_READ, handle, NULL);
	if (event == NULL)
		return 1;

	calls = warnings = 0;
	int added = event_add(event, NULL);
	printf("%s: event_add %d", event_base_get_method(base), added);
	int looped = event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	printf(", loop %d, pending %s, called %d times, warnings %d\n", looped,
		event_pending(event, EV_READ, NULL) ? "yes" : "no", calls, warnings);
	return 0;
}

int main(void)
{
	event_set_log_callback(warn);
	return try(0) || try(EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
}
END
lib=$dir/usr/lib/$(gcc -print-multiarch)
gcc -I usr/include -I "usr/include/$(gcc -print-multiarch)" -o main main.c "$lib/libevent_core.a"

seen=$(./main)
echo "$seen"
if ! diff - <(echo "$seen") <<'END'
epoll: event_add -1, loop 1, pending no, called 0 times, warnings 1
epoll (with changelist): event_add 0, loop 0, pending yes, called 0 times, warnings 1
END
then
	echo "CHANGED" >&2
	exit 1
fi
