
/*
 * Argument vectors of Redis commands.  Every argument goes with its length, so
 * nothing that a client sends can be taken for a command.  A vector that has
 * overflowed stays failed, so that only the end has to be checked.
 *
 * Called from the event loop; the vector usually lies on its stack, and the
 * client copies it.
 */


#include <stdarg.h>
#include <stdio.h>
#include <imgp/imgp_redis_args.h>


static void imgp_redis_args_format(imgp_redis_args_t *a,
    const imgp_str_t *prefix, const char *fmt, va_list args);


void
imgp_redis_init(imgp_redis_t *redis, const imgp_str_t *prefix)
{
    int  i;

    memset(redis, 0, sizeof(imgp_redis_t));

    redis->prefix = *prefix;

    for (i = 0; i < IMGP_REDIS_SCRIPTS; i++) {
        imgp_redis_lua_sha(i, redis->sha[i]);
    }
}


void
imgp_redis_args_begin(imgp_redis_args_t *a, const char *command)
{
    a->argc = 0;
    a->used = 0;
    a->failed = 0;
    a->script = -1;

    imgp_redis_args_add(a, command, strlen(command));
}


void
imgp_redis_args_script(imgp_redis_args_t *a, const imgp_redis_t *redis,
    imgp_redis_script_e script, imgp_uint_t nkeys)
{
    imgp_redis_args_begin(a, "EVALSHA");

    a->script = script;

    imgp_redis_args_add(a, redis->sha[script], IMGP_REDIS_SHA_LEN);
    imgp_redis_args_add_int(a, nkeys);
}


void
imgp_redis_args_add(imgp_redis_args_t *a, const void *p, size_t len)
{
    if (a->failed || a->argc == IMGP_REDIS_ARGS_MAX) {
        a->failed = 1;
        return;
    }

    a->argv[a->argc] = p;
    a->len[a->argc] = len;
    a->argc++;
}


void
imgp_redis_args_add_text(imgp_redis_args_t *a, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    imgp_redis_args_format(a, NULL, fmt, args);
    va_end(args);
}


void
imgp_redis_args_key(imgp_redis_args_t *a, const imgp_redis_t *redis,
    const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    imgp_redis_args_format(a, &redis->prefix, fmt, args);
    va_end(args);
}


static void
imgp_redis_args_format(imgp_redis_args_t *a, const imgp_str_t *prefix,
    const char *fmt, va_list args)
{
    int      n;
    char    *p;
    size_t   len, left;

    p = a->text + a->used;
    left = IMGP_REDIS_TEXT_MAX - a->used;
    len = 0;

    if (prefix != NULL) {
        if (prefix->len >= left) {
            a->failed = 1;
            return;
        }

        memcpy(p, prefix->data, prefix->len);
        len = prefix->len;
    }

    n = vsnprintf(p + len, left - len, fmt, args);

    if (n < 0 || (size_t) n >= left - len) {
        a->failed = 1;
        return;
    }

    len += n;
    a->used += len;

    imgp_redis_args_add(a, p, len);
}


void
imgp_redis_args_add_int(imgp_redis_args_t *a, uint64_t n)
{
    imgp_redis_args_add_text(a, "%llu", (unsigned long long) n);
}


void
imgp_redis_args_id(imgp_redis_args_t *a, const u_char id[IMGP_ID_BYTES])
{
    char  text[IMGP_ID_LEN + 1];

    imgp_id_text(id, text);
    imgp_redis_args_add_text(a, "%s", text);
}
