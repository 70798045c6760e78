#!/usr/bin/env bash
# Guess: whether a regular file can be watched for input is a property of the
# file, not of the number of its descriptor; epoll refuses it, so libuEv does.
# Version: libuEv as Debian has it (2.4.0-1.1+deb12u1), Linux. Needs apt-get,
# dpkg, and gcc.
# Seen: uev_io_init refuses the file with EPERM under every number but 0. As the
# standard input it is accepted, and reported as ready.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

apt-get -o APT::Sandbox::User=root download -qq libuev-dev=2.4.0-1.1+deb12u1
dpkg -x libuev-dev_*.deb .

cat > main.c <<'END'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <uev/uev.h>

static int called;

static void handle(uev_t *watcher, void *arg, int events)
{
	called = 1;
	uev_exit(watcher->ctx);
}

int main(void)
{
	uev_ctx_t context;
	uev_t watcher;
	int fd = open("main.c", O_RDONLY);

	if (fd < 0 || uev_init(&context) != 0)
		return 1;
	for (int i = 0; i < 2; i++) {
		if (uev_io_init(&context, &watcher, handle, NULL, fd, UEV_READ) == 0)
			printf("accepted\n");
		else
			printf("%s\n", errno == EPERM ? "EPERM" : "another error");
		if (dup2(fd, 0) != 0)
			return 1;
		fd = 0;
	}
	uev_run(&context, UEV_NONBLOCK | UEV_ONCE);
	printf("called: %s\n", called ? "yes" : "no");
	return 0;
}
END
gcc -I usr/include -o main main.c "usr/lib/$(gcc -print-multiarch)/libuev.a"

seen=$(./main < /dev/null)
echo "$seen"
if ! diff - <(echo "$seen") <<'END'
EPERM
accepted
called: yes
END
then
	echo "CHANGED" >&2
	exit 1
fi
