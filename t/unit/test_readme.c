
/*
 * README.md against the code: the state tables and every error, as the
 * tables of imgp_state.c and imgp_error.c have them.  "test_readme print"
 * prints what should stand there.
 */


#include "imgp_test.h"
#include <imgp/imgp_error.h>
#include <imgp/imgp_job.h>


#define README_MAX  (1024 * 1024)


static char  text[README_MAX + 1];
static char  table[65536];


static const char *
row(imgp_error_e code)
{
    static char  line[256];

    snprintf(line, sizeof(line), "| %u | `%s` | %s |",
             (unsigned) imgp_error_status(code), imgp_error_name(code),
             imgp_error_title(code));

    return line;
}


static void
print(void)
{
    imgp_uint_t  code;

    for (code = IMGP_E_NONE + 1; code < IMGP_E_MAX; code++) {
        printf("%s\n", row(code));
    }

    printf("\n%s", table);
}


int
main(int argc, char **argv)
{
    FILE         *f;
    size_t        n;
    imgp_uint_t   code;

    imgp_job_print_table(table, sizeof(table));

    if (argc > 1) {
        print();
        return 0;
    }

    f = fopen("README.md", "r");
    ok(f != NULL, "README.md is there");

    n = f != NULL ? fread(text, 1, README_MAX, f) : 0;
    text[n] = '\0';

    if (f != NULL) {
        fclose(f);
    }

    for (code = IMGP_E_NONE + 1; code < IMGP_E_MAX; code++) {
        ok(strstr(text, row(code)) != NULL, "%s", row(code));
    }

    ok(strstr(text, table) != NULL, "the states, as in imgp_state.c");

    return done();
}
