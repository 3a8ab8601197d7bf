
/*
 * The unit tests' harness: TAP on standard output, one program per file of
 * src/.  A failed check tells its file and line and goes on; done() prints
 * the plan and gives the exit status.
 */


#ifndef _IMGP_TEST_H_INCLUDED_
#define _IMGP_TEST_H_INCLUDED_


#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <imgp/imgp_types.h>
#include <imgp/imgp_pool.h>


static unsigned  test_count;
static unsigned  test_failed;


#define ok(cond, ...)                                                         \
    test_ok((cond) ? 1 : 0, __FILE__, __LINE__, #cond, __VA_ARGS__)

#define is_int(got, want, ...)                                                \
    do {                                                                      \
        long long  got__ = (long long) (got), want__ = (long long) (want);    \
                                                                              \
        if (!ok(got__ == want__, __VA_ARGS__)) {                              \
            printf("#      got: %lld\n# expected: %lld\n", got__, want__);    \
        }                                                                     \
    } while (0)

#define is_str(got, want, ...)                                                \
    do {                                                                      \
        const char  *got__ = (got), *want__ = (want);                         \
                                                                              \
        if (!ok(got__ != NULL && strcmp(got__, want__) == 0, __VA_ARGS__)) {  \
            printf("#      got: \"%s\"\n# expected: \"%s\"\n",                \
                   got__ ? got__ : "(null)", want__);                         \
        }                                                                     \
    } while (0)

#define skip(...)                                                             \
    do {                                                                      \
        printf("ok %u # skip ", ++test_count);                                \
        printf(__VA_ARGS__);                                                  \
        printf("\n");                                                         \
    } while (0)


__attribute__((format(printf, 5, 6), unused))
static int
test_ok(int passed, const char *file, int line, const char *cond,
    const char *fmt, ...)
{
    va_list  args;

    printf("%sok %u - ", passed ? "" : "not ", ++test_count);

    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);

    printf("\n");

    if (!passed) {
        test_failed++;
        printf("#   at %s:%d: %s\n", file, line, cond);
    }

    fflush(stdout);

    return passed;
}


__attribute__((unused))
static int
done(void)
{
    printf("1..%u\n", test_count);

    return test_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}


/* an allocator whose n-th call fails: "left" counts down to 0 */

typedef struct {
    long           left;              /* -1: never fails */
    long           live;              /* blocks not yet freed */
} test_alloc_t;


__attribute__((unused))
static void *
test_alloc(void *data, size_t size)
{
    void          *p;
    test_alloc_t  *ta = data;

    if (ta->left == 0) {
        return NULL;
    }

    if (ta->left > 0) {
        ta->left--;
    }

    p = malloc(size);
    if (p != NULL) {
        ta->live++;
    }

    return p;
}


__attribute__((unused))
static void
test_free(void *data, void *p)
{
    test_alloc_t  *ta = data;

    if (p != NULL) {
        ta->live--;
        free(p);
    }
}


#endif /* _IMGP_TEST_H_INCLUDED_ */
