
/*
 * A redis-server of the test's own, on a unix socket in a private directory;
 * it ends with the test.  Without one installed the test skips.
 */


#ifndef _IMGP_REDIS_SERVER_H_INCLUDED_
#define _IMGP_REDIS_SERVER_H_INCLUDED_


#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <imgp/imgp_redis_args.h>
#include <imgp/imgp_redis_reply.h>


#define SERVER_WAIT  500              /* times 20 ms */


static char           server_dir[64];
static char           server_socket[128];
static pid_t          server_pid;
static redisContext  *server;


static void
server_end(void)
{
    char  path[160];

    if (server != NULL) {
        redisFree(server);
        server = NULL;
    }

    if (server_pid > 0) {
        kill(server_pid, SIGKILL);
        waitpid(server_pid, NULL, 0);
        server_pid = 0;
    }

    snprintf(path, sizeof(path), "%s/socket", server_dir);
    unlink(path);
    rmdir(server_dir);
}


/* 0: there is none */

static int
server_start(void)
{
    int    n;
    pid_t  parent;

    snprintf(server_dir, sizeof(server_dir), "/tmp/imgp-redis-XXXXXX");

    if (mkdtemp(server_dir) == NULL) {
        return 0;
    }

    snprintf(server_socket, sizeof(server_socket), "%s/socket", server_dir);

    parent = getpid();
    server_pid = fork();

    if (server_pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);

        if (getppid() != parent) {
            _exit(1);
        }

        n = open("/dev/null", O_RDWR);
        dup2(n, 1);
        dup2(n, 2);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket",
               server_socket, "--save", "", "--appendonly", "no",
               "--enable-debug-command", "yes", "--dir", server_dir,
               (char *) NULL);
        _exit(127);
    }

    atexit(server_end);

    for (n = 0; n < SERVER_WAIT; n++) {
        server = redisConnectUnix(server_socket);

        if (server != NULL && server->err == 0) {
            return 1;
        }

        redisFree(server);
        server = NULL;

        if (waitpid(server_pid, NULL, WNOHANG) != 0) {
            server_pid = 0;
            return 0;
        }

        usleep(20000);
    }

    return 0;
}


__attribute__((unused))
static redisReply *
server_send(imgp_redis_args_t *a)
{
    if (a->failed) {
        return NULL;
    }

    return redisCommandArgv(server, a->argc, a->argv, a->len);
}


/* of a one-line question: its integer, or -2 */

__attribute__((unused))
static long long
server_ask(const char *fmt, ...)
{
    va_list      args;
    int64_t      n;
    redisReply  *reply;

    va_start(args, fmt);
    reply = redisvCommand(server, fmt, args);
    va_end(args);

    if (imgp_redis_int(reply, -1, &n) != IMGP_OK) {
        n = -2;
    }

    freeReplyObject(reply);

    return n;
}


__attribute__((unused))
static int
server_load(void)
{
    int          i, loaded;
    redisReply  *reply;

    for (i = 0, loaded = 0; i < IMGP_REDIS_SCRIPTS; i++) {
        reply = redisCommand(server, "SCRIPT LOAD %s", imgp_redis_lua_text(i));
        loaded += imgp_redis_class(reply) == IMGP_REDIS_OK;
        freeReplyObject(reply);
    }

    return loaded;
}


#endif /* _IMGP_REDIS_SERVER_H_INCLUDED_ */
