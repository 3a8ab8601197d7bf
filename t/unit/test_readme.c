
/*
 * README.md against the code: the state tables and every error, as the
 * tables of imgp_state.c and imgp_error.c have them, and every metric in
 * ngx_http_imgp_metrics.c.  "test_readme print" prints what should stand there
 * of the former.
 */


#include "imgp_test.h"
#include <imgp/imgp_error.h>
#include <imgp/imgp_job.h>


#define README_MAX  (1024 * 1024)


static char  text[README_MAX + 1];
static char  code_text[README_MAX + 1];
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


static size_t
read_file(const char *path, char *buf)
{
    FILE    *f;
    size_t   n;

    f = fopen(path, "r");
    ok(f != NULL, "%s is there", path);

    n = f != NULL ? fread(buf, 1, README_MAX, f) : 0;
    buf[n] = '\0';

    if (f != NULL) {
        fclose(f);
    }

    return n;
}


/* each begins a line of the table there:  { "image_pipeline_...", "counter", */

static void
metrics(void)
{
    char      *p, *end, name[80], line[128];
    unsigned   n;

    read_file("ngx_module/ngx_http_imgp_metrics.c", code_text);

    for (n = 0, p = code_text; ; p = end, n++) {
        p = strstr(p, "{ \"image_pipeline_");

        if (p == NULL) {
            break;
        }

        p += 3;
        end = strchr(p, '"');
        snprintf(name, sizeof(name), "%.*s", (int) (end - p), p);

        snprintf(line, sizeof(line), "| `%s", name);
        ok(strstr(text, line) != NULL, "the metric %s", name);
    }

    ok(n > 10, "%u metrics", n);
}


int
main(int argc, char **argv)
{
    imgp_uint_t  code;

    imgp_job_print_table(table, sizeof(table));

    if (argc > 1) {
        print();
        return 0;
    }

    read_file("README.md", text);

    for (code = IMGP_E_NONE + 1; code < IMGP_E_MAX; code++) {
        ok(strstr(text, row(code)) != NULL, "%s", row(code));
    }

    ok(strstr(text, table) != NULL, "the states, as in imgp_state.c");

    metrics();

    return done();
}
